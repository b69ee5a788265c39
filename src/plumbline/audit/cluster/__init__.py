"""A Ray cluster as the place where a model answers (docs/adr/0008-ray.md)."""
