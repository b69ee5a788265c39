"""All mutants of the statistics, the core and the metrics' formulas, and a random sample of them.

    .venv/mutation/bin/python bench/mutation/mutants.py --number 1000 --seed 1 --into FOLDER

Run by an environment that has cosmic-ray; nothing of plumbline is imported. The population:

- files: every module of `stats` and of `core` whole; of `metrics` every function that does not
  ask (no `yield`, no card on it) and is not `simulate` (what calibration draws from);
- operators: all of cosmic-ray's core set that take no arguments;
- left out before the draw, by the syntax tree and not by hand: what Python itself refuses or warns
  of, and what differs from the original in annotations only (they are never evaluated).

Draws without replacement, uniformly over mutants (not over lines, files or operators).
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "plumbline"
FOLDERS = ("stats", "core", "metrics")
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        id: File, operator and occurrence.
        file: Path below the repository's root.
        function: Dotted name of what it stands in; empty for module level.
        line: Where the change starts.
        first, last: Lines of the statement (of its head, where it has a body).
        on_import: True where the statement runs when the module is imported.
        operator: Name of cosmic-ray's operator.
        occurrence: Which place of the file, counted by cosmic-ray.
        before, after: The changed lines.
    """

    id: str
    file: str
    function: str
    line: int
    first: int
    last: int
    on_import: bool
    operator: str
    occurrence: int
    before: str = ""
    after: str = ""
    source: str = field(default="", repr=False)


def operators() -> dict:
    """Name -> operator, of those without arguments."""
    provider = OperatorProvider()
    found = {name: provider[name] for name in provider}
    return {name: made() for name, made in found.items() if not made.arguments()}


@dataclass(frozen=True)
class Place:
    """The statement at a line."""

    function: str
    first: int
    last: int
    on_import: bool
    formula: bool


def _starts(node: ast.AST) -> int:
    return node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno


class Places:
    """Which statement of a file a line belongs to."""

    def __init__(self, source: str) -> None:
        self.found: list[Place] = []
        self._walk(ast.parse(source).body, name="", inside=False, formula=False)

    def _walk(self, body: list[ast.stmt], *, name: str, inside: bool, formula: bool) -> None:
        for node in body:
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            below = [
                child
                for part in ("body", "orelse", "handlers", "finalbody", "cases")
                for child in getattr(node, part, [])
            ]
            last = min(map(_starts, below), default=(node.end_lineno or first) + 1) - 1
            self.found.append(Place(name, first, max(first, last), not inside, formula))
            if isinstance(node, FUNCTIONS | ast.ClassDef):
                own = f"{name}.{node.name}".lstrip(".")
                function = isinstance(node, FUNCTIONS)
                self._walk(
                    node.body,
                    name=own,
                    inside=inside or function,
                    formula=(formula or not inside) and is_formula(node) if function else formula,
                )
                continue
            for child in below:
                blocks = [child]
                if not isinstance(child, ast.stmt):  # an `except` or a `case`
                    blocks = child.body
                    head = (_starts(child), blocks[0].lineno - 1)
                    self.found.append(Place(name, head[0], max(head), not inside, formula))
                self._walk(blocks, name=name, inside=inside, formula=formula)

    def at(self, line: int) -> Place:
        """The innermost statement whose lines (or head) hold this one."""
        held = [p for p in self.found if p.first <= line <= p.last]
        return min(held, key=lambda p: (p.last - p.first, -p.first))


def is_formula(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """It neither asks nor carries a card, and is not what calibration draws from."""
    carded = any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "method"
                 for d in node.decorator_list)  # fmt: skip
    asks = any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node))
    return not (carded or asks or node.name == "simulate")


def all_mutants() -> Iterator[Mutant]:
    """Every place and operator, without the mutated source."""
    wanted = operators()
    for folder in FOLDERS:
        for path in sorted((SOURCE / folder).rglob("*.py")):
            source = path.read_text("utf-8")
            places, tree = Places(source), get_ast(source)
            nodes = list(ast_nodes(tree))
            file = path.relative_to(ROOT).as_posix()
            for name, operator in wanted.items():
                starts = [start for n in nodes for start, _ in operator.mutation_positions(n)]
                for occurrence, (line, _) in enumerate(starts):
                    at = places.at(line)
                    if folder != "metrics" or at.formula:
                        own = f"{path.relative_to(SOURCE).as_posix()}:{name}:{occurrence}"
                        yield Mutant(own, file, at.function, line, at.first, at.last, at.on_import,
                                     name, occurrence)  # fmt: skip


class _Bare(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.annotation = ast.Constant("")
        self.generic_visit(node)
        return node


def bare(source: str) -> str:
    """The syntax tree without annotations."""
    return ast.dump(_Bare().visit(ast.parse(source)))


def applied(mutant: Mutant) -> Mutant | None:
    """With its source; None where it does not compile or only annotations differ."""
    before = (ROOT / mutant.file).read_text("utf-8")
    after = mutate_code(before, operators()[mutant.operator], mutant.occurrence)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)  # `x is "word"`: Python says so itself
            compile(after, mutant.file, "exec", dont_inherit=True)
        same = bare(before) == bare(after)
    except (SyntaxError, SyntaxWarning):
        return None
    if same and "from __future__ import annotations" in before:
        return None
    old, new = before.splitlines(), after.splitlines()
    top = next(i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    bottom = next(i for i, (a, b) in enumerate(zip(old[::-1], new[::-1], strict=False)) if a != b)
    return Mutant(**{
        **asdict(mutant), "source": after,
        "before": "\n".join(old[top : len(old) - bottom]).strip(),
        "after": "\n".join(new[top : len(new) - bottom]).strip(),
    })  # fmt: skip


def sample(number: int, seed: int) -> tuple[list[Mutant], dict[str, int]]:
    """A uniform sample without replacement, and the counts behind it."""
    population = list(all_mutants())
    rng = random.Random(seed)
    rng.shuffle(population)
    drawn: list[Mutant] = []
    tried = 0
    for mutant in population:
        if len(drawn) == number:
            break
        tried += 1
        made = applied(mutant)
        if made is not None:
            drawn.append(made)
    return drawn, {"places": len(population), "looked_at": tried, "drawn": len(drawn)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=1000)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--into", type=Path, required=True)
    given = parser.parse_args()
    drawn, counts = sample(given.number, given.seed)
    given.into.mkdir(parents=True, exist_ok=True)
    whole = {"seed": given.seed, **counts, "mutants": [asdict(m) for m in drawn]}
    (given.into / "sample.json").write_text(json.dumps(whole, indent=1), "utf-8")
    print({"seed": given.seed, **counts})


if __name__ == "__main__":
    main()
