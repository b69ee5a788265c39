"""The notebooks of the documentation: sources without outputs, and a build that stops at a failing cell."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(p for p in (DOCS / "examples").glob("*.md") if p.stem != "index")
SETTINGS = runpy.run_path(str(DOCS / "conf.py"))
CELL = re.compile(
    r"^```\{code-cell\} python\n(?::tags:[^\n]*\n\n)?(.*?)^```$", re.MULTILINE | re.DOTALL
)
FAILING = """\
---
file_format: mystnb
kernelspec:
  name: python3
---

# A page

```{code-cell} python
print(1 + 1)
```

```{code-cell} python
raise ValueError("this cell fails")
```
"""


def test_there_are_six_and_all_are_in_the_index():
    """Each page of the folder is linked, and nothing else is."""
    listed = re.findall(
        r"^([\w-]+)$", (DOCS / "examples" / "index.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(listed) == [p.stem for p in PAGES]
    assert len(PAGES) == 6
    assert "examples/index" in (DOCS / "index.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_sources_hold_no_output(page):
    """Text and cells only: what a page shows below a cell comes from the build."""
    text = page.read_text("utf-8")
    assert text.startswith("---\nfile_format: mystnb\n")
    assert "code-cell" in text
    assert "{output" not in text
    assert "data:image" not in text
    for code in CELL.findall(text):
        compile(code, page.name, "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_each_page_asserts_what_its_words_claim(page):
    """A sentence about a result is held by an assertion, so that it cannot become untrue in silence."""
    assert "assert " in "".join(CELL.findall(page.read_text("utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_no_page_wants_a_mirror_of_data(page):
    """The build works from a fresh clone without the public data sets."""
    text = page.read_text("utf-8")
    assert "PLUMBLINE_DATA" not in text
    assert "shared" not in text


def build(folder: Path, page: str) -> subprocess.CompletedProcess[str]:
    """One page under the documentation's own notebook settings."""
    notebook = {k: v for k, v in SETTINGS.items() if k.startswith("nb_")}
    lines = ['extensions = ["myst_nb"]', *(f"{k} = {v!r}" for k, v in notebook.items())]
    folder.mkdir()
    (folder / "conf.py").write_text("\n".join(lines), "utf-8")
    (folder / "index.md").write_text(page, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", folder, folder / "out"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_failing_cell_fails_the_build(tmp_path):
    """The same page without its second cell builds, and shows what was printed."""
    assert build(tmp_path / "bad", FAILING).returncode != 0
    good = FAILING[: FAILING.rindex("```{code-cell}")]
    got = build(tmp_path / "good", good)
    assert got.returncode == 0, got.stderr
    assert re.search(r"<pre>.*2\n", (tmp_path / "good" / "out" / "index.html").read_text("utf-8"))
