"""Does gender bias travel from suggestions into what people write with them?

Wambsganss et al., "Unraveling Downstream Gender Bias from Large Language Models: A Study on AI
Educational Writing Assistance", Findings of EMNLP 2023: the same association at every stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.context import Context
from plumbline.core.errors import BadInput
from plumbline.core.scored import Asking, Items, Measure, Scored, Skip
from plumbline.data.lexicons import gender_words
from plumbline.data.lexicons.weat import weat_test
from plumbline.metrics.stage_changes import change, items_of, notes_of
from plumbline.metrics.stage_leans import Lean, Stages, coverage, leans_of, stage_scores
from plumbline.metrics.stage_vectors import stage_weat

SPOKEN: Final = 0.3  # of users must have a gendered word near a word of the lists at both stages
DIALS: Final = (0.0, 0.1, 0.2)
USERS: Final = 50


@method(
    id="writing_pipeline",
    version=1,
    title="Gender bias along a writing pipeline",
    family="social",
    harm="stereotyping",
    needs=("records",),
    paper="doi:10.18653/v1/2023.findings-emnlp.689",
    suite="quick",
    estimand="mean change, last stage minus first, of a user's stereotype lean (men near career, maths and science words and women near family and arts words, minus the reverse, as a share), over users like these",
    unit="stereotype lean",
    null={
        "kind": "point",
        "value": 0.0,
        "says": "equal treatment: assistance adds no association of its own",
    },
    sign="signed",
    worse="higher",
    units=("user random",),
    trust="planted",
    axes=("gender",),
    seeds=("S100",),
)
def writing_pipeline(
    context: Context,  # noqa: ARG001 - every method has it
    *,
    stages: Sequence[str] = ("original", "assisted"),
    suggestions: str = "",
    stage: str = "stage",
    user: str = "user",
    window: int = 10,
    decay: float = 0.95,
    tests: Sequence[int] = (6, 7, 8),
    lists: str = "",
    margin: float = 0.0,
    **_: Any,
) -> Asking:
    """How far users' texts lean more by stereotype after assistance than before (answers:FILE).

    The file has a text a row with its user and stage. Each user's lean at a stage is (men near
    career words + women near family words - the reverse) / all of these, from words within the
    window of a gendered word, nearer ones counting more; WEAT's tests 6 to 8 give the words. Users
    are resampled; only users with a lean at every stage count.

    Coverage comes first. Lists that hardly occur leave nothing to measure, and that is Undefined,
    never "no bias": fewer than 30 % of users with a lean stop the finding, and the facts hold each
    stage's share of list words that occur, its users with a lean, GenBit's score, and WEAT's tests on vectors made from
    the stage's texts alone.

    No difference seen is no equivalence. Without a margin the verdict is "insufficient evidence";
    the plan's margin for this unit (or `margin`, told in the facts) is tested by two one-sided
    tests, and the facts say which change these users would show in four of five studies.

    With `suggestions` the transfer coefficient is beside it: the slope over users of the last
    stage's lean on that of the suggestions they saw (1: copied whole, 0: nothing travels). For the
    model's embeddings run `weat` and `seat` on it.

    Args:
        context: The run's surroundings.
        stages: Names of stages in order, two or more.
        suggestions: Name of the stage that holds what was suggested, or "".
        stage: Column of the file with the stage.
        user: Column of the file with the user.
        window: Largest distance on each side, in words that are no function words.
        decay: Weight of distance d is decay^d.
        tests: WEAT tests whose words count: 6 (career, family), 7 (maths, arts), 8 (science, arts).
        lists: Own TOML file with words for women and men.
        margin: Largest change of lean that does not matter; 0 tests no equivalence here.

    Returns:
        One row a user and stage (part `stage`), one a user for the transfer (part `transfer`).
    """
    if len(stages) < 2 or len(set(stages)) < len(stages):
        raise BadInput(f"stages are {list(stages)!r}; wanted two or more, all different")
    (answers,) = yield [ask.records()]
    columns = answers.columns
    absent = [c for c in (stage, user) if f"column:{c}" not in columns]
    if "answer" not in columns or absent:
        return Skip(f"wanted recorded texts (answers:FILE) with the columns {stage!r} and {user!r}")
    asked = Stages.of(columns, stage=stage, user=user)
    wanted = [*stages, *([suggestions] if suggestions else [])]
    if missing := [name for name in wanted if name not in asked.names]:
        raise BadInput(f"no text of stage {missing[0]!r}; the file has {', '.join(asked.names)}")
    first, second = attributes(tests)
    known = gender_words.load(lists or None)
    leans = {
        name: leans_of(asked, name, known, (first, second), window=window, decay=decay)
        for name in wanted
    }
    items = items_of(leans, stages, suggestions)
    facts = {
        name: coverage(asked, name, (first, second), leans[name])
        | stage_scores(asked, name, known, window=window, decay=decay)
        | stage_weat([text for _, text in asked.at(name)], tests, window=window)
        for name in wanted
    }
    return Scored(
        items=items, measures=measures(items, stages, transfer=bool(suggestions)),
        facts=facts | change(items, stages, margin=margin), notes=notes_of(items, stages),
    )  # fmt: skip


def attributes(tests: Sequence[int]) -> tuple[frozenset[str], frozenset[str]]:
    """Words that stereotype goes with men, and with women, from WEAT's tests 6 to 8."""
    if not tests or set(tests) - {6, 7, 8}:
        raise BadInput(f"tests are {list(tests)!r}; wanted some of 6, 7 and 8")
    chosen = [weat_test(int(n)) for n in tests]
    pairs = [(t.a, t.b) if t.id == 6 else (t.x, t.y) for t in chosen]
    return tuple(frozenset(w.lower() for p in pairs for w in p[side]) for side in (0, 1))  # type: ignore[return-value]


def measures(items: Items, stages: Sequence[str], *, transfer: bool) -> list[Measure]:
    """The change from the first stage to the last, each other change, each stage, the transfer."""
    rows = items.where({"part": "stage", "group": stages[-1]})
    share = float((rows["why"] == "").mean()) if len(rows) else 0.0
    floor = (share, SPOKEN, "users with a lean at every stage")
    common: dict[str, Any] = {"where": {"part": "stage"}, "floor": floor}
    made = [
        Measure(
            estimator="difference", role="primary" if after == stages[-1] else "secondary",
            groups=(after, stages[0]), **common,
            labels={"axis": "gender", "group": after, "against": stages[0], "toward": "stereotype"},
        )
        for after in stages[1:]
    ]  # fmt: skip
    made += [
        Measure(estimator="mean", role="secondary", floor=floor,
                where={"part": "stage", "group": name}, estimand="mean lean of users at this stage",
                labels={"axis": "gender", "measure": f"lean, {name}"})
        for name in stages
    ]  # fmt: skip
    if transfer:
        made.append(
            Measure(estimator="slope", role="secondary", where={"part": "transfer"}, unit="slope",
                    options={"covariate": "suggested"}, labels={"axis": "gender", "measure": "transfer"},
                    estimand="slope over users of the text's lean on that of the suggestions")
        )  # fmt: skip
    return made


def simulate(rng: np.random.Generator, *, dial: float) -> tuple[Scored, float]:
    """50 users whose lean is uniform in +-.4 around their own, uniform in +-.3; later by `dial` more."""
    own = rng.uniform(-0.3, 0.3, USERS)
    before = own + rng.uniform(-0.4, 0.4, USERS)
    after = own + dial + rng.uniform(-0.4, 0.4, USERS)
    leans = {
        name: {f"{i:02d}": Lean(float(v), 1.0) for i, v in enumerate(values)}
        for name, values in (("original", before), ("assisted", after))
    }
    items = items_of(leans, ("original", "assisted"), "")
    return Scored(
        items=items, measures=measures(items, ("original", "assisted"), transfer=False)[:1]
    ), dial
