"""Text classifiers, and reward models (a classifier with a single number as its output)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np

from plumbline.core.answers import Classes, Floats, Numbers
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch, Segment
from plumbline.models.abilities import Cost, Rows
from plumbline.models.hf_adapter import HfAdapter, MakeTask
from plumbline.models.hf_model import HfModel, finite
from plumbline.models.hf_prompt import Prompter
from plumbline.models.prompt_render import flattened
from plumbline.models.torch_batches import Unit, blank, chunks, pack, padded


def open_classifier(hf: HfModel) -> HfAdapter:
    """The adapter of a loaded classifier: `classify`, or `score` where it gives one number.

    Labels exclude each other (softmax) unless the config's problem type is multi-label
    (sigmoid a label).
    """
    config = hf.module.config
    many = config.problem_type == "multi_label_classification"
    if config.pad_token_id is None:
        # Decoders find a text's last token by the padding id.
        config.pad_token_id = hf.pad
    labels = tuple(str(config.id2label[i]) for i in range(config.num_labels))
    if len(set(labels)) != len(labels):
        raise BadInput(f"{hf.name}: its config names a label twice ({', '.join(labels)})")
    if config.num_labels == 1 and not many:
        prompter = Prompter.of(hf.tokenizer, hf.options)
        pairs = "chat template" if prompter.template else "two texts"
        tasks: dict[str, MakeTask] = {"score": lambda m, b: ScoreTask(m, b, prompter)}
        return HfAdapter(hf, tasks, lambda: {"reads": pairs, **prompter.facts()})
    facts = {"labels": list(labels), "probabilities": "sigmoid" if many else "softmax"}
    return HfAdapter(
        hf, {"classify": lambda m, b: ClassifyTask(m, b, labels, many)}, lambda: dict(facts)
    )


class Outputs:
    """Raw outputs of tokenised texts, of which some do not fit."""

    def __init__(self, hf: HfModel, ids: Sequence[Sequence[int]]) -> None:
        self.hf, self.ids = hf, ids
        self.status = [hf.too_long(len(i)) if i else "empty text" for i in ids]

    def parts(self, bound: int) -> list[Rows]:
        """A unit a text."""
        rows = zip(self.ids, self.status, strict=True)
        return pack(
            [
                blank(i) if status else Unit((i,), len(ids), key=(tuple(ids),))
                for i, (ids, status) in enumerate(rows)
            ],
            bound,
        )

    def cost(self) -> Cost:
        """Tokens read."""
        return Cost(tokens_in=sum(map(len, self.ids)))

    def of(self, rows: Sequence[int], width: int) -> Floats:
        """Logits of these rows, NaN where unanswered; shape (rows, width)."""
        values = np.full((len(rows), width), np.nan)
        ready = [k for k, i in enumerate(rows) if not self.status[i]]
        for chunk in chunks([len(self.ids[rows[k]]) for k in ready], self.hf.at_once):
            places = [ready[c] for c in chunk]
            sequences = [self.ids[rows[k]] for k in places]
            ids, mask = padded(sequences, self.hf.module.config.pad_token_id, self.hf.device)
            logits = self.hf.module(input_ids=ids, attention_mask=mask).logits
            values[places] = logits.double().cpu().numpy()
        for k in ready:
            finite(values[k], self.hf.tokenizer.decode(self.ids[rows[k]]))
        return values


@final
class ClassifyTask:
    """Probabilities over the labels."""

    def __init__(self, hf: HfModel, batch: Batch, labels: tuple[str, ...], many: bool) -> None:  # noqa: FBT001
        self.labels, self.many = labels, many
        texts = list(batch.columns["text"])
        self.outputs = Outputs(hf, hf.tokenizer(texts)["input_ids"] if texts else [])

    def parts(self, bound: int) -> list[Rows]:
        """A unit a text."""
        return self.outputs.parts(bound)

    def cost(self) -> Cost:
        """Tokens read."""
        return self.outputs.cost()

    def run(self, rows: Sequence[int]) -> Classes:
        """Answers of these rows."""
        from scipy.special import expit, softmax

        logits = self.outputs.of(rows, len(self.labels))
        values = expit(logits) if self.many else softmax(logits, axis=1)
        return Classes(values, self.labels, [self.outputs.status[i] for i in rows])


@final
class ScoreTask:
    """A reward model's number for each response to a prompt.

    With a chat template the conversation is rendered by it; without one the prompt and the
    response are given as two texts, as reward models without chat roles were trained.
    """

    def __init__(self, hf: HfModel, batch: Batch, prompter: Prompter) -> None:
        prompts, responses = batch.columns["prompt"], batch.columns["response"]
        ids: list[Any] = []
        if prompter.template and prompts:
            turns = [
                (*_as_chat(p), Segment(r, "assistant"))
                for p, r in zip(prompts, responses, strict=True)
            ]
            texts = [prompter.conversation(t) for t in turns]
            ids = hf.tokenizer(texts, add_special_tokens=False)["input_ids"]
        elif prompts:
            texts = [flattened(p, hf.options.system) for p in prompts]
            ids = hf.tokenizer(texts, list(responses))["input_ids"]
        self.outputs = Outputs(hf, ids)

    def parts(self, bound: int) -> list[Rows]:
        """A unit a response."""
        return self.outputs.parts(bound)

    def cost(self) -> Cost:
        """Tokens read."""
        return self.outputs.cost()

    def run(self, rows: Sequence[int]) -> Numbers:
        """Answers of these rows."""
        values = self.outputs.of(rows, 1)[:, 0]
        return Numbers(values, [self.outputs.status[i] for i in rows])


def _as_chat(prompt: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """A plain prompt as the user's turn; a chat stays as it is."""
    if any(part.role != "text" for part in prompt):
        return prompt
    return tuple(Segment(part.text, "user", part.exchange, part.option) for part in prompt)
