"""The first screen's facts: what was asked, of which model, and the index over all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plumbline.report import format as show
from plumbline.report.rows import Row, about_text

# Facts of the subject that change numbers, in the order in which they are shown.
_TOLD: Mapping[str, str] = {
    "form": "form",
    "architecture": "architecture",
    "dtype": "precision",
    "precision": "precision",
    "device": "device",
    "bos": "BOS",
    "chat_template": "chat template",
    "template": "chat template",
    "system": "system prompt",
    "context": "context",
    "max_context": "context",
    "base_url": "address",
}
SHORT = 12  # characters of a fingerprint that people compare


def title(header: Mapping[str, Any]) -> str:
    """`Audit of demo`, or `Explanation of demo`."""
    kind = "Explanation" if "explainer" in header else "Audit"
    return f"{kind} of {show.clip(header['subject']['model'], 80)}"


def asked(header: Mapping[str, Any]) -> str:
    """What was asked: suite or metrics, seed, level."""
    plan = header["plan"]
    chosen = ", ".join(plan["metrics"]) or f"suite {plan['suite']}"
    total = sum(q["unique"] for q in header.get("questions", {}).values())
    parts = [
        chosen,
        f"{total:,} questions",
        f"seed {header['seed']}",
        f"plan {header['plan_hash']}",
    ]
    return show.clip("; ".join(parts), 300)


def model_facts(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, value) of what identifies the subject and changes its numbers."""
    subject = header["subject"]
    facts = [
        ("model", show.clip(subject["name"], 120)),
        ("fingerprint", show.clean(subject["fingerprint"])[:SHORT]),
    ]
    said = {name for name, _ in facts}
    for key, name in _TOLD.items():
        value = subject.get("about", {}).get(key)
        if value in (None, "") or name in said:
            continue
        said.add(name)
        facts.append((name, _short(show.clip(value, 120))))
    return facts


def _short(value: str) -> str:
    """A digest is cut to what people compare."""
    return value[:SHORT] if re.fullmatch(r"[0-9a-f]{24,}", value) else value


def other_facts(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything else that the adapter says about the subject."""
    about = header["subject"].get("about", {})
    return [(show.clean(k), show.clip(v, 600)) for k, v in about.items() if k not in _TOLD]


def index_text(header: Mapping[str, Any]) -> str:
    """The composite index in one sentence, or why there is none."""
    index = header.get("index")
    if not index:
        return "No composite index: this run recorded none."
    if index.get("value") is None:
        return f"No composite index: {show.clean(index.get('reason', 'no reason was recorded'))}."
    places = show.decimals(index["low"], index["high"])
    text = (
        f"Composite index {show.number(index['value'], places=places)} "
        f"(interval {show.interval(index['low'], index['high'])}; "
        f"from 0, no lean, to 1) over {_plural(len(index['components']), 'finding')}"
    )
    if not index["low"] <= index["value"] <= index["high"]:
        text += "; the number holds the findings' noise, which the interval takes out"
    if band := index.get("weights_band"):
        text += f"; {show.interval(*band)} under other weights"
    if (chance := index.get("expected_without_lean")) is not None:
        text += f"; noise alone would give about {show.number(chance, places=places)}"
    return f"{text}. Read it with its components."


def components(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, value) of each dimension of the index, then of the findings that make it."""
    index = header.get("index") or {}
    dimensions = [
        (f"dimension: {show.clean(name)}", show.number(value))
        for name, value in index.get("dimensions", {}).items()
    ]
    parts = [
        (
            f"{show.clean(c['metric'])}: {about_text(c['labels'])}".rstrip(": "),
            show.number(c["component"]),
        )
        for c in index.get("components", ())
    ]
    return [*dimensions, *parts]


def margins(header: Mapping[str, Any], shown: Sequence[Row]) -> str:
    """The margins that the verdicts of this run were held against, by unit."""
    stated = header["plan"]["margins"]
    judged = dict.fromkeys(r.finding["unit"] for r in shown if r.verdict and r.depth == 0)
    parts = [show.with_unit(show.constant(stated[unit]), unit) for unit in judged if unit in stated]
    if not parts:
        return "No finding of this run is held against a margin."
    return f"Margins of the plan: {', '.join(parts)}."


def provenance(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, value) of what one needs to make the run again."""
    machine, packages = header.get("machine", {}), header.get("packages", {})
    lines = {
        "plumbline": header["plumbline"],
        "plan": header["plan_hash"],
        "seed": header["seed"],
        "fingerprint": header["subject"]["fingerprint"],
        "started": header.get("started", ""),
        "took": f"{header.get('seconds', 0):.0f} s",
        "asked again": "; ".join(_canary(n, c) for n, c in header.get("canaries", {}).items()),
        "packages": ", ".join(f"{n} {v}" for n, v in packages.items()),
        "machine": ", ".join(f"{n} {v}" for n, v in machine.items()),
        "engine": ", ".join(f"{n} {v}" for n, v in header.get("engine", {}).items()),
        "instruments": ", ".join(
            f"{n} {i['fingerprint']}" for n, i in header.get("instruments", {}).items()
        ),
    }
    return [(name, show.clean(value)) for name, value in lines.items() if value not in ("", None)]


def _canary(name: str, counts: Mapping[str, int]) -> str:
    """Whether a server still answers as it did when the replayed answers were made."""
    return f"{counts['changed']} of {counts['asked']} answers of {name} have changed since they were recorded"


def questions(header: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Of each addressee: questions wanted, distinct, known before, asked now, and seconds."""
    return [
        (
            show.clean(n),
            *(str(q[k]) for k in ("wanted", "unique", "from_cache", "asked", "seconds")),
        )
        for n, q in header.get("questions", {}).items()
    ]


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
