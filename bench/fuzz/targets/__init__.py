"""The parsers that are fuzzed, one module a kind of document; each has a list `TARGETS`."""
