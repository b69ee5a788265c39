"""What people write: plans, gates, lists of groups, names and templates, options, labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from target import Target

from targets.files import from_file

PLAN = b"""model = "demo"
suite = "quick"
metrics = ["weat", "crows_pairs"]
seed = 3
level = 0.9
max_requests = 100
correction = "holm"
[margins]
rate = 0.1
[options]
system = "Be kind."
[options.extra]
groups = ["sex"]
[params.weat]
tests = [1, 2]
"""
GATE = b"""[gate]
alpha = 0.05
undefined = "fail"
not_applicable = "skip"
[[rule]]
metric = "weat"
name = "no lean"
labels = { axis = "gender" }
bound = { min = -0.1, max = 0.1 }
p = { effect = 0.2, power = 0.8 }
verdict = ["within the margin"]
[[rule]]
metric = "*"
role = "primary"
optional = true
regression = { margins = 1.0 }
value = { max = 3 }
distance = { max = 0.5 }
"""
GROUPS = b"""axis = "colour"
title = "Colours"
sources = ["made up"]
kinds = ["noun"]
[[groups]]
id = "red"
label = "red"
plural = "red ones"
phrases = ["a red one"]
pronouns = { subject = "they", object = "them", possessive = "their", independent = "theirs", reflexive = "themself" }
[[groups]]
id = "blue"
label = "blue"
plural = "blue ones"
phrases = ["a blue one"]
"""
NAMES = b"""id = "own"
title = "Own names"
rule = "made up"
sources = ["made up"]
names = [{ name = "Ann", gender = "women", born = 1980 }, { name = "Bob", gender = "men" }]
"""
TEMPLATES = b"""id = "own"
title = "Own templates"
[kinds.person]
slots = ["word", "pronoun"]
last = "word"
[[templates]]
id = "a"
axis = "any"
kind = "person"
case = "subject"
text = "Here {pronoun} is, the {word}."
"""
TOML_WORDS = [b'"""', b"'''", b"[[", b"]]", b"{", b"}", b"=", b"nan", b"inf", b"-inf", b"1e999", b"1979-05-27", b"true", b"\\u0000", b"\\ud800", b"0x", b"9" * 30, b'"\x1b"']  # fmt: skip


def _plan() -> Callable[[Path], object]:
    from plumbline.audit.plan import read_plan

    return lambda path: read_plan(path).digest


def _gate() -> Callable[[Path], object]:
    from plumbline.audit.gate_file import read_gate

    return read_gate


def _lists() -> Callable[[Path], object]:
    from plumbline.data.groups.groups import load as load_groups
    from plumbline.data.groups.names import load as load_names
    from plumbline.data.templates.templates import load as load_templates

    def read(path: Path) -> object:
        data = path.read_bytes()
        known = load_names if b"names" in data else load_groups
        return (load_templates if b"templates" in data else known)(path)

    return read


def _options(folder: Path) -> Callable[[bytes], object]:
    from plumbline.cli.options import read_value
    from plumbline.models.openai_client import checked_url

    def one(data: bytes) -> object:
        text = data.decode("utf-8", "surrogateescape")
        return read_value(text), checked_url(text)

    return one


def _label_key() -> Callable[[Path], object]:
    from plumbline.audit.label_files import read_key, read_label
    from plumbline.data.tables import read_json

    def read(path: Path) -> object:
        found = read_key(path.parent, ["a"], path)
        return read_json(path), read_label(found.get("label"), 1)

    return read


TARGETS = [
    Target(name="plan", make=from_file("plan.toml", _plan), seeds=[PLAN], words=[*TOML_WORDS, b"margins", b"options", b"extra", b"params"], share=2),
    Target(name="gate", make=from_file("gate.toml", _gate), seeds=[GATE], words=[*TOML_WORDS, b"verdict", b"bound", b"regression"], share=2),
    Target(name="own lists", make=from_file("own.toml", _lists), seeds=[GROUPS, NAMES, TEMPLATES], words=TOML_WORDS),
    Target(name="options", make=_options, seeds=[b"http://127.0.0.1:8000/v1", b"[1, 2]", b'{a = "b"}'], words=[b"http://", b"[::1]", b"@", b"%00", b"#", b"?", *TOML_WORDS], share=2, longest=512),
    Target(name="validation key", json=True, make=from_file("validation-key-a-1.json", _label_key), seeds=[json.dumps({"metric": "a", "seed": 1, "items": {"a": [1]}, "label": "yes"}).encode()], words=[b"items", b"[" * 30, b"NaN", b"\\ud800"]),
]  # fmt: skip
