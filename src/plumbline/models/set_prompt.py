r"""Prompts with an exchange set as tokens: `[SYS | D_1 .. D_k | SUFFIX]`, each part tokenised by itself.

A document is a place's content *with its own label*: what is written before it and behind it ("\n\nAnswer B: ",
"[end of answer B]") goes along, as in the authors' prompts (arXiv:2407.01100). A label that stayed behind
between the documents would bring their order back. So documents may stand in any order as long as each keeps its
label; where places have no labels of their own ("- "), that is any order of the contents.

Parts are tokenised one by one, so that a document's tokens do not depend on its neighbours. Where the whole text
would have had a token across a boundary the boundary wins, and `straddles` says so. The chat template stays around.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from plumbline.core import exchange
from plumbline.core.errors import AbilityError
from plumbline.core.questions import Prompt, Segment
from plumbline.models.abilities import ModelOptions
from plumbline.models.hf_prompt import Encoded, Prompter
from plumbline.models.set_attention import Layout

UNEQUAL: Final = (
    "the text around the exchange set's places is not the same for all of them but for their labels, so that "
    "documents cannot take it along"
)
NOTHING_BEHIND: Final = (
    "nothing stands behind the exchange set: the first token would follow the last document"
)
EMPTY: Final = "a place of the exchange set is empty"
CHANGED: Final = "the chat template changes the text of the exchange set's places"
_NOT_EXCHANGED: Final = "input"  # a calibration's own mark, no set of documents
_SPACE: Final = "\u2581"
_BEFORE, _BEHIND = "\ue0f0", "\ue0f1"  # stand for the label of the next place and of the last one


@dataclass(frozen=True, slots=True)
class Parts:
    """A rendered prompt, cut.

    Attributes:
        system: All in front of the documents (BOS not included).
        documents: Each with its label, in reading order.
        suffix: All behind them.
    """

    system: str
    documents: tuple[str, ...]
    suffix: str


def with_labels(before: str, contents: Sequence[str], between: Sequence[str], behind: str,
                labels: Sequence[str]) -> Parts | None:  # fmt: skip
    """Documents with what belongs to them of the text around; None where that cannot be told.

    What stands between two places is what closes the first and what opens the second. It is cut
    so that every place is opened and closed alike, its label aside, with as much as possible opening.

    Args:
        before: Text in front of the first place.
        contents: Texts of the places.
        between: Texts between neighbouring places; one fewer.
        behind: Text behind the last place.
        labels: Labels of the places; "" for none.
    """
    pattern = _marked(between[0], labels[0], labels[1])
    for cut in range(len(pattern) + 1):
        close, open_ = pattern[:cut], pattern[cut:]
        if _BEFORE in close or _BEHIND in open_:
            continue
        opened = [open_.replace(_BEFORE, label) for label in labels]
        closed = [close.replace(_BEHIND, label) for label in labels]
        alike = all(b == closed[i] + opened[i + 1] for i, b in enumerate(between))
        if alike and before.endswith(opened[0]) and behind.startswith(closed[-1]):
            documents = (o + c + e for o, c, e in zip(opened, contents, closed, strict=True))
            return Parts(
                before[: len(before) - len(opened[0])], tuple(documents), behind[len(closed[-1]) :]
            )
    return None


def _marked(text: str, last: str, following: str) -> str:
    for label, mark in ((following, _BEFORE), (last, _BEHIND)):
        if label:
            text = re.sub(rf"(?<!\w){re.escape(label)}(?!\w)", mark, text)
    return text


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A prompt's tokens in front of its suffix.

    Attributes:
        lead: Tokens of SYS and of the documents, BOS included.
        suffix: Text behind them.
        layout: Where the documents are.
        straddles: Whether the whole text, tokenised in one piece, has other tokens.
        status: Why the prompt cannot be laid out, or "".
    """

    lead: tuple[int, ...] = ()
    suffix: str = ""
    layout: Layout | None = None
    straddles: bool = False
    status: str = ""


@dataclass(frozen=True, slots=True)
class SetPrompter(Prompter):
    """Tokenises prompts that have an exchange set, part by part.

    Parts cannot be tokenised one by one where the tokenizer puts a space in front of every text, as some
    sentencepiece ones do.
    """

    @classmethod
    def of(cls, tokenizer: Any, options: ModelOptions) -> SetPrompter:
        """As the options ask for; `AbilityError` where the tokenizer cannot."""
        plain = Prompter.of(tokenizer, options)
        made = cls(plain.tokenizer, plain.template, plain.system, plain.bos)
        if str(tokenizer.convert_ids_to_tokens(made.pieces("c"))[0]).startswith(_SPACE):
            raise AbilityError(
                "this tokenizer puts a space in front of every text, so that documents cannot be tokenised one by one"
            )
        return made

    def pieces(self, *texts: str) -> tuple[int, ...]:
        """Token ids of texts, each tokenised by itself, end to end."""
        coded = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return tuple(int(i) for ids in coded for i in ids)

    def exchanged(self, prompt: Prompt, name: str = "") -> str:
        """The exchange set that is treated as a set: this one, or the prompt's first; "" for none."""
        found = [n for n in exchange.exchange_sets(prompt) if n != _NOT_EXCHANGED]
        return (name if name in found else "") if name else next(iter(found), "")

    def parts(self, prompt: Prompt, name: str) -> Parts | str:
        """The rendered prompt cut at the set's documents, or why it cannot be."""
        whole = self.text(prompt)
        mark = next(c for c in map(chr, range(0xE100, 0xF8FF)) if c not in whole)
        at = exchange.places(prompt, name)
        if any(not prompt[i].text for i in at):
            return EMPTY
        fenced = tuple(
            replace(part, text=f"{mark}{part.text}{mark}") if i in at else part
            for i, part in enumerate(prompt)
        )
        cut = self.text(fenced).split(mark)
        if "".join(cut) != whole or len(cut) != 2 * len(at) + 1:
            return CHANGED
        found = with_labels(cut[0], cut[1::2], cut[2:-1:2], cut[-1], exchange.labels(prompt, name))
        return UNEQUAL if found is None else found

    def laid_out(self, prompt: Prompt, name: str) -> LaidOut:
        """Tokens and layout of a prompt with this exchange set."""
        parts = self.parts(prompt, name)
        if isinstance(parts, str):
            return LaidOut(status=parts)
        behind = self.pieces(parts.suffix)
        if not behind:
            return LaidOut(status=NOTHING_BEHIND)
        (lead,) = self._leads([prompt])
        system = (*lead, *self.pieces(parts.system))
        documents = [self.pieces(text) for text in parts.documents]
        if not all(documents):
            return LaidOut(status=EMPTY)
        inside = tuple(i for ids in documents for i in ids)
        own = (*system, *inside, *behind)
        (ordinary,) = self.prompts([prompt])
        layout = Layout.of(len(system), documents)
        return LaidOut((*system, *inside), parts.suffix, layout, straddles=own != ordinary)


@dataclass(frozen=True, slots=True)
class OnePrompt(Prompter):
    """Stands where a prompter is wanted, for one laid-out prompt, whatever prompts it is asked about."""

    laid: LaidOut = LaidOut()

    @classmethod
    def at(cls, prompter: Prompter, laid: LaidOut) -> OnePrompt:
        """For this prompt, with that prompter's tokenizer."""
        return cls(prompter.tokenizer, "", "", "", laid)

    def prompts(self, prompts: Sequence[Prompt]) -> list[tuple[int, ...]]:
        """The prompt's token ids; () where it has a status."""
        if self.laid.status:
            return [()] * len(prompts)
        suffix = self.tokenizer(self.laid.suffix, add_special_tokens=False)["input_ids"]
        return [(*self.laid.lead, *suffix)] * len(prompts)

    def together(self, contexts: Sequence[Prompt], continuations: Sequence[str]) -> list[Encoded]:
        """Each continuation behind the prompt; its suffix and the continuation are tokenised as one string."""
        if self.laid.status:
            return [Encoded((), 0, (), status=self.laid.status)] * len(continuations)
        bare = Prompter(self.tokenizer, "", "", "")
        coded = bare.together([(Segment(self.laid.suffix),)] * len(contexts), continuations)
        # What is scored first is foretold by the token before it: one of the suffix, the same for all.
        apart = len({e.ids[:1] for e in coded if e.pieces}) > 1
        return [self._behind(e, apart=apart) for e in coded]

    def _behind(self, coded: Encoded, *, apart: bool) -> Encoded:
        ids, start = (*self.laid.lead, *coded.ids), coded.start + len(self.laid.lead)
        behind = NOTHING_BEHIND if apart or not coded.start else ""
        return replace(coded, ids=ids, start=start, status=behind if coded.pieces else coded.status)
