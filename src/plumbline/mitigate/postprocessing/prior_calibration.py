"""Prior calibration of choices: divide by what the model would say to a text that says nothing.

Contextual calibration: Zhao et al., ICML 2021, arXiv:2102.09690. Domain-context calibration: Fei et al., ACL 2023,
arXiv:2305.19148. Batch calibration: Zhou et al., ICLR 2024, arXiv:2309.17249.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from plumbline.core import questions as ask
from plumbline.core.card import method
from plumbline.core.errors import AbilityError, BadInput
from plumbline.core.seeds import Seeds
from plumbline.data.perturb.random_words import domain_texts
from plumbline.data.sets.label_bias_classification import TASKS, Task, pool
from plumbline.data.tables import read_text
from plumbline.data.templates.classification import frames
from plumbline.data.templates.multiple_choice import chat_role
from plumbline.models.abilities import Adapter
from plumbline.models.corrected_prior_calibration import PriorCalibration, frame_keys, priors_of
from plumbline.models.whole_batch import answered
from plumbline.stats.label_prior import MEANS

METHOD: Final = "prior_calibration@1"
HOWS: Final = ("domain", "content_free", "batch")
CONTENT_FREE: Final = (("N/A",), ("",), ("[MASK]",))  # the three of Zhao et al.
Inputs = Sequence[Sequence[str]]


def calibration_inputs(texts: Inputs, *, how: str, draws: int, rng: np.random.Generator) -> Inputs:
    """What is asked to estimate a prior.

    Args:
        texts: Unlabelled texts, one a place each; not looked at for `content_free`.
        how: `content_free`: the three inputs of Zhao et al.; `domain`: `draws` texts of random words of the texts;
            `batch`: `draws` of the texts themselves, or all where there are fewer.
        draws: How many.
        rng: The stream.
    """
    if how == "content_free":
        return CONTENT_FREE
    if how == "domain":
        return domain_texts(list(zip(*texts, strict=True)), count=draws, rng=rng)
    kept = np.sort(rng.permutation(len(texts))[:draws])
    return [texts[i] for i in kept]


@method(
    id="prior_calibration",
    version=1,
    title="Prior calibration of choices (contextual, domain-context, batch)",
    family="evaluation",
    harm="disparate system performance",
    needs=("choose|classify",),
    paper="arxiv:2305.19148",
    suite="full",
    estimand="prior over the options of each prompt frame, under texts that say nothing of the item",
    unit="probability",
    null="none",
    sign="unsigned",
    worse="higher",
    units=("text random",),
    trust="planted",
    kind="correction",
    data=("label-bias-classification",),
    axes=("task",),
    seeds=("S027",),
)
def prior_calibration(
    base: Adapter, *, texts: str = "", how: str = "domain", mean: str = "arithmetic", draws: int = 20,
    transductive: bool = False, seed: int = 0,
) -> PriorCalibration:  # fmt: skip
    """Divide the probabilities of the options by an estimated prior, and renormalise.

    It acts on every question that marks its input (segments of the exchange set `input`, as in `label_bias`): a frame, that is
    options, wording and demonstrations, has a prior of its own. For a named task the frames without demonstrations are
    fitted and stored at once; any other frame is, the first time that it is met. Questions that mark no input
    are answered as before, and so is whatever a metric derives from log-probabilities itself. A classifier's probabilities are
    divided too, if its labels exclude each other; there the whole text is the input.

    The prior is that of the fitting texts' domain: correct a model for one task, and audit it on that.
    If the domain's words tell the truth about its labels (most of its texts do have this label), dividing them away
    costs accuracy.

    Args:
        base: A model that scores the options it chooses from, or a classifier.
        texts: For `domain` and `batch`: a task of `plumbline.data.sets.label_bias_classification` (its texts that are never
            audited), or a file with one text a line, a tab between the two texts of a pair.
        how: `domain` (random words of the texts), `content_free` ("N/A", "" and "[MASK]") or `batch` (the texts
            themselves).
        mean: `arithmetic`, the published mean of probabilities; or `log`, their geometric mean.
        draws: Random texts, or texts of the batch.
        transductive: Say so if the file's texts are among those that will be audited; kept in the record.
        seed: Of the random texts.

    Returns:
        The model after mitigation.

    Raises:
        BadInput: No such way or mean, or no texts.
        AbilityError: The base says what it takes, but gives no scores.
    """
    if how not in HOWS or mean not in MEANS or draws < 1:
        raise BadInput(
            f"how is one of {', '.join(HOWS)}, mean one of {', '.join(MEANS)}, draws at least 1; "
            f"got {how!r}, {mean!r}, {draws}"
        )
    if not texts and how != "content_free":
        raise BadInput(
            f"{how} calibration needs texts of the domain: texts=TASK ({', '.join(TASKS)}) or texts=FILE"
        )
    known = TASKS.get(texts)
    given = _given(texts, known) if texts else []
    stream = Seeds(seed).stream("prior_calibration", how)
    inputs = [list(one) for one in calibration_inputs(given, how=how, draws=draws, rng=stream)]
    everywhere = how == "content_free"
    if "choose" in base.abilities:
        _refuse_unscored(base)
    priors = {}
    if known is not None and "choose" in base.abilities:
        priors = _fitted(base, known, inputs, mean=mean, everywhere=everywhere)
    params = {
        "how": how, "mean": mean, "texts": inputs, "everywhere": everywhere, "priors": priors, "seed": seed,
        "source": texts, "transductive": bool(transductive) and known is None,
    }  # fmt: skip
    return PriorCalibration(base, METHOD, params)


def _given(texts: str, known: Task | None) -> Inputs:
    if known is not None:
        return [example.texts for example in pool(known.id)]
    lines = [line for line in read_text(Path(texts)).split("\n") if line.strip()]
    found = [tuple(part.strip() for part in line.split("\t")) for line in lines]
    if len({len(one) for one in found}) != 1:
        raise BadInput(f"{texts}: wanted one text a line, or two with a tab between in every line")
    return found


def _refuse_unscored(base: Adapter) -> None:
    tried = answered(base, ask.choose(["Is water wet? Answer:"], [("yes", "no")]))
    if tried.scores[0].size == 0:
        raise AbilityError(
            f"{base.name} says which option it takes, but gives no scores ({tried.how[0]}): there is "
            "nothing to divide by a prior. Use a model with logprob or next"
        )


def _fitted(
    base: Adapter, known: Task, inputs: Inputs, *, mean: str, everywhere: bool
) -> dict[str, list[float]]:
    """Priors of the task's frames without demonstrations, by frame."""
    role: Any = chat_role(base.about())
    blank = [""] * known.places
    prompts = [frame.prompt(blank, known.labels, role=role) for frame in frames(known.kind)]
    batch = ask.choose(prompts, [known.labels] * len(prompts))
    found = priors_of(base, batch, inputs, mean=mean, everywhere=everywhere)
    keys = frame_keys(batch)
    return {
        key: prior.logs.tolist() for key, prior in zip(keys, found, strict=True) if not prior.why
    }
