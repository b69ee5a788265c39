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
# Pages of docs/examples are notebooks: carried out at every build, each in a folder of its own, and a
# cell that fails fails the build. No output is kept in the sources.
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 240
exclude_patterns = ["_build", "_ext", "Thumbs.db"]
nitpicky = True
html_theme = "furo"
html_title = "plumbline"
html_static_path = ["_static"]
html_show_copyright = False
suppress_warnings: list[str] = []
