"""Sphinx configuration: MyST pages, pages made from cards, warnings as errors (`make docs`)."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "plumbline"
author = "The plumbline founders"
release = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]["version"]
extensions = ["myst_nb", "method_pages"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext", "Thumbs.db"]
nitpicky = True
html_theme = "furo"
html_title = "plumbline"
html_static_path = ["_static"]
html_show_copyright = False
suppress_warnings: list[str] = []
