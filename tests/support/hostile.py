"""Texts that a model, a file or a server may hold to harm whoever reads them, and what is harmless."""

from __future__ import annotations

import re

CANARY = "plumblineCanary"
"""The name of a variable that a script would set."""
_RUN = f"window.{CANARY}=1;alert(1)"
SCRIPTS = (
    f"<script>{_RUN}</script>", f"<img src=x onerror='{_RUN}'>", f"<svg/onload={_RUN}>", f"<svg><script>{_RUN}</script></svg>",
    f'"><iframe srcdoc="<script>parent.{CANARY}=1</script>">', f"<a href='javascript:{_RUN}'>click</a>", f"</script><script>{_RUN}</script>",
    f"</style></title></textarea><script>{_RUN}</script>", f"<!--><script>{_RUN}</script>", f"<details open ontoggle={_RUN}>",
    "<meta http-equiv=refresh content='0;url=http://evil.example.org/'>", "<link rel=stylesheet href=http://evil.example.org/x.css>",
    "<base href=http://evil.example.org/>", "<form action=http://evil.example.org/><button>ok</button>", "javascript:alert(1)",
    "<style>@import 'http://evil.example.org/x.css';body{display:none}</style>", "]]><!ENTITY x SYSTEM 'file:///etc/passwd'>&x;",
)  # fmt: skip
TEMPLATES = ("{{7*7}}", "{% for x in ().__class__.__base__.__subclasses__() %}", "${7*7}", "#{7*7}", "%(name)s %s {0} {x!r}", "[bold red]x[/]", "$(id)`id`;id|id&id")  # fmt: skip
TERMINAL = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x1b]52;c;ZXZpbA==\x07", "\x1b]8;;http://evil.example.org\x1b\\link\x1b]8;;\x1b\\", "\x1b[2J\x1b[H",
    "\x9b31m", "\x9d52;c;x\x9c", "\x1bP\x1b\\", "over\x08\x08\x08write", "line\rover", "\x07\x0b\x0c\x7f",
)  # fmt: skip
TURNED = ("\u202egnp.exe", "\u2066\u2067a\u2069", "\u200fa\u200e", "a\u2028b\u2029c")
BROKEN = ("\x00nul\x00", "\ud800half", "half\udfff", "\ufffe\uffff", "\U000e0041")
FORMULAS = ("=1+1", "=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "'=1", '=HYPERLINK("http://evil.example.org")')  # fmt: skip
PATHS = ("../../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\x", "\\\\host\\share", "a/b", "..", ".", "con", "~root", "a\x00.html", "%2e%2e%2f")  # fmt: skip
LINES = ("| a | b |\n|---|---|", "\n# heading\n", "---\nyaml: yes\n---", "<!-- plumbline:end -->", "\\end{document}", "}\n@article{x,")  # fmt: skip
ALL = (*SCRIPTS, *TEMPLATES, *TERMINAL, *TURNED, *BROKEN, *FORMULAS, *PATHS, *LINES)
WHOLE = " ".join(ALL)
"""Everything at once."""
LONG = "x" * 10_000_000
"""A line of ten megabytes."""

_DRIVES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # fmt: skip
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def plain(text: str, *, colours: bool = False) -> bool:
    """Whether a text can be shown in a terminal: no sign of it drives one or turns its line."""
    return _DRIVES.search(_COLOUR.sub("", text) if colours else text) is None


def as_formula(cell: str) -> bool:
    """Whether a spreadsheet would compute a cell of text."""
    return cell.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\t", "\r", "\n"))  # fmt: skip
