"""Recipe B: a transformers encoder with one linear layer on top, trained with the focal loss.

As GUS-Net (arXiv:2410.08388): a sigmoid for each label; pieces of a word inherit the word's labels;
special tokens and padding are masked; AdamW with weight decay, a linear schedule with 10 % warm-up.
Words are judged, not pieces: a word's probability is the mean of its pieces'.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from plumbline.core.errors import BadInput
from plumbline.models import hf_folder, torch_runtime
from plumbline.models.abilities import ModelOptions
from plumbline.models.safetensors_header import read_safetensors_header
from plumbline.models.torch_batches import chunks, padded
from plumbline.stats.tagging import ALPHA, GAMMA, MASKED

if TYPE_CHECKING:
    from plumbline.models.hf_model import HfModel

Floats = NDArray[np.float64]
HEAD: Final = "head.safetensors"
BODY: Final = "encoder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """How recipe B is trained; the defaults are the paper's settings section.

    Attributes:
        model: Folder (or hub id) of an encoder with a fast tokenizer.
        alpha: The focal loss's weight of positive cells. Above .5 it acts partly like a lower
            threshold: compare with a threshold chosen on other data before crediting the loss.
        gamma: How much less easy cells count.
        rate: Largest learning rate.
        decay: AdamW's weight decay.
        warm_up: Share of the steps with a rising rate.
        batch: Sentences a step.
        epochs: Passes over the sentences.
        longest: Pieces of the longest sentence; one that is longer is masked behind it in training
            and is not read at all in use.
        device: `auto`, `cpu`, `cuda`, ...
        checked: How many of the five held-out parts the check runs on; each costs a training.
    """

    model: str
    alpha: float = ALPHA
    gamma: float = GAMMA
    rate: float = 5e-5
    decay: float = 0.01
    warm_up: float = 0.1
    batch: int = 16
    epochs: int = 17
    longest: int = 128
    device: str = "auto"
    checked: int = 1

    def __post_init__(self) -> None:
        whole = self.batch, self.epochs, self.longest - 2, self.checked
        shares = self.alpha, self.warm_up
        if min(whole) < 1 or self.checked > 5 or self.rate <= 0 or min(self.gamma, self.decay) < 0:
            raise BadInput(f"a recipe that cannot be trained: {self}")
        if not all(0 <= share <= 1 for share in shares):
            raise BadInput(f"alpha and warm_up are shares from 0 to 1; got {shares}")

    def new(self, labels: Sequence[str]) -> EncoderWords:
        """An untrained model of these labels on a fresh copy of the encoder."""
        torch_runtime.require_torch("recipe B of the bias tagger")
        return EncoderWords(self, tuple(labels))


class EncoderWords:
    """Probabilities of labels for each word of a sentence."""

    def __init__(self, recipe: Encoder, labels: tuple[str, ...]) -> None:
        self.recipe, self.labels = recipe, labels
        self.body: Any = None
        self.head: Any = None
        self.tokenizer: Any = None

    def fit(self, sentences: Sequence[Sequence[str]], targets: Sequence[Floats], seed: int) -> None:
        """Train; arguments as for recipe A. `seed` is of the head, the order and dropout."""
        import torch

        device = self._read(hf_folder.locate(self.recipe.model))
        coded = [self._pieces(words) for words in sentences]
        wanted = [spread(t, places) for t, (_, places) in zip(targets, coded, strict=True)]
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            self.head = torch.nn.Linear(self.body.config.hidden_size, len(self.labels)).to(device)
            self._train([ids for ids, _ in coded], wanted, np.random.default_rng(seed))

    def _train(
        self, ids: Sequence[Sequence[int]], wanted: Sequence[Floats], rng: np.random.Generator
    ) -> None:
        import torch

        recipe = self.recipe
        trained = [*self.body.parameters(), *self.head.parameters()]
        optimiser = torch.optim.AdamW(trained, lr=recipe.rate, weight_decay=recipe.decay)
        per_epoch = -(-len(ids) // recipe.batch)
        steps = per_epoch * recipe.epochs
        rising = max(1, round(steps * recipe.warm_up))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimiser,
            lambda s: (s + 1) / rising if s < rising else (steps - s) / max(1, steps - rising),
        )
        self.body.train()
        for _ in range(recipe.epochs):
            for rows in np.array_split(rng.permutation(len(ids)), per_epoch):
                logits, _ = self._logits([ids[i] for i in rows])
                cells = torch.full(logits.shape, float(MASKED), device=logits.device)
                for row, i in enumerate(rows):
                    cells[row, : len(wanted[i])] = torch.as_tensor(
                        wanted[i], dtype=cells.dtype, device=cells.device
                    )
                loss = focal(logits, cells, recipe.alpha, recipe.gamma)
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()
                schedule.step()
        self.body.eval()

    def probabilities(self, sentences: Sequence[Sequence[str]]) -> list[Floats]:
        """For each sentence, shape (words, labels); NaN for words behind `longest`."""
        import torch

        coded = [self._pieces(words) for words in sentences]
        made = [np.full((len(words), len(self.labels)), np.nan) for words in sentences]
        with torch.inference_mode():
            for part in chunks([len(ids) for ids, _ in coded], 4096):
                logits, _ = self._logits([coded[i][0] for i in part])
                chances = torch.sigmoid(logits.double()).cpu().numpy()
                for row, i in enumerate(part):
                    made[i] = gathered(chances[row], coded[i][1], len(sentences[i]))
        return made

    def unreadable(self, words: Sequence[str]) -> str:
        """Why a sentence cannot be read whole, or ""."""
        plain = self.tokenizer(list(words), is_split_into_words=True)["input_ids"]
        if len(plain) > self.recipe.longest:
            return f"truncated: {len(plain)} pieces, reads {self.recipe.longest}"
        return ""

    def save(self, folder: Path) -> None:
        """Write the encoder's folder and `HEAD`, both safetensors."""
        from safetensors.torch import save_file

        from plumbline.models.hf_model import quiet

        with quiet():
            self.body.save_pretrained(folder / BODY, safe_serialization=True)
            self.tokenizer.save_pretrained(folder / BODY)
        held = {k: v.detach().cpu().contiguous() for k, v in self.head.state_dict().items()}
        save_file(held, folder / HEAD)

    def load(self, folder: Path) -> None:
        """Read both; `BadInput` where they are damaged or of other labels."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        device = self._read(folder / BODY)
        self.head = torch.nn.Linear(self.body.config.hidden_size, len(self.labels))
        read_safetensors_header(folder / HEAD)
        try:
            self.head.load_state_dict(load_file(folder / HEAD))
        except (OSError, RuntimeError, SafetensorError) as wrong:
            raise BadInput(f"{folder / HEAD} is not the head of this tagger: {wrong}") from None
        self.head.to(device)

    def _read(self, folder: Path) -> Any:
        from plumbline.models import hf_model

        options = ModelOptions(dtype="float32", device=self.recipe.device)
        hf: HfModel = hf_model.load(folder, "encoder", folder.name, options)
        self.body, self.tokenizer = copy.deepcopy(hf.module), hf.tokenizer
        return hf.device

    def _pieces(self, words: Sequence[str]) -> tuple[list[int], list[int | None]]:
        """Ids of the pieces, and for each the word that it is of (None for special tokens)."""
        made = self.tokenizer(
            list(words), is_split_into_words=True, truncation=True, max_length=self.recipe.longest
        )
        return list(made["input_ids"]), list(made.word_ids())

    def _logits(self, ids: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        pad = self.tokenizer.pad_token_id or 0
        tokens, mask = padded(ids, pad, next(self.head.parameters()).device)
        hidden = self.body(input_ids=tokens, attention_mask=mask).last_hidden_state
        return self.head(hidden), mask


def spread(targets: Floats, places: Sequence[int | None]) -> Floats:
    """Targets of pieces from targets of words; shape (pieces, labels), `MASKED` for special tokens."""
    made = np.full((len(places), targets.shape[1]), float(MASKED))
    own = [i for i, place in enumerate(places) if place is not None]
    made[own] = targets[[p for p in places if p is not None]]
    return made


def gathered(chances: Floats, places: Sequence[int | None], words: int) -> Floats:
    """Mean over the pieces of each word; shape (words, labels), NaN for a word without a piece."""
    own = [i for i, place in enumerate(places) if place is not None]
    which = np.array([p for p in places if p is not None], int)
    total = np.zeros((words, chances.shape[1]))
    np.add.at(total, which, chances[own])
    pieces = np.bincount(which, minlength=words)[:, None]
    mean = np.divide(total, pieces, out=np.full(total.shape, np.nan), where=pieces > 0)
    return np.asarray(mean, float)


def focal(logits: Any, targets: Any, alpha: float, gamma: float) -> Any:
    """`plumbline.stats.tagging.mean_loss` in torch, with gradients."""
    import torch

    counted = targets != MASKED
    positive = targets == 1
    toward = torch.where(positive, logits, -logits)
    weight = (1.0 - alpha) + (2.0 * alpha - 1.0) * positive.to(logits.dtype)
    easy = torch.exp(-gamma * torch.nn.functional.softplus(toward))
    cells = weight * easy * torch.nn.functional.softplus(-toward)
    return (cells * counted).sum() / counted.sum()
