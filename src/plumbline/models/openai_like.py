"""`openai:NAME@BASE_URL`: any server that speaks the OpenAI interface, chat and completions.

The key comes from the environment only and stays inside the client. Answers of a server are
never assumed equal when asked again, so the adapter is `remote` and its fingerprint expires
(`about()["expires"]`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar, final

import numpy as np

from plumbline.core.answers import Answers, Choices, LogProbs, Nexts, Texts
from plumbline.core.errors import AbilityError, BadAnswer, BadInput
from plumbline.core.questions import Batch, plain
from plumbline.models import choose_derived, first_tokens
from plumbline.models.abilities import Cost, ModelOptions, Rows
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_facts
from plumbline.models.openai_client import Garbled, Job, OpenAIClient, checked_url
from plumbline.models.openai_replies import (
    Said,
    Tops,
    echoed,
    read_echo,
    read_text,
    read_tops,
    row_status,
)
from plumbline.models.openai_requests import Wording
from plumbline.models.prompt_render import is_chat
from plumbline.models.transport import Transport

T = TypeVar("T")
_TRANSPORT: Final = {field.name: field.default for field in fields(Transport)}
SETTINGS: Final[dict[str, Any]] = {
    **_TRANSPORT,
    "api": "chat",
    "body": None,
    "max_tokens_field": "max_tokens",
    "seed": True,
    "logprobs": False,
    "echo": False,
    "top": 20,
    "key_env": "",
    "expires_days": 30.0,
    "price_in": None,
    "price_out": None,
}
"""Settings of the form in `ModelOptions.extra`, with their defaults; see the guide on models."""
_CHARACTERS: Final = 4.0
"""Characters a token, for a cost told in advance; English in common tokenizers has about four."""


@final
class OpenAILike:
    """A model behind an OpenAI-compatible server.

    `generate` and `choose` always; with the setting `logprobs=True` also `next`, and choices are
    read from the first token's log-probabilities where one token can tell the options apart;
    with `echo=True` also `logprob`, where one request at opening shows that the server has it.

    Prompts without chat roles are sent as the user's message, or as they stand with
    `api="completions"` (or `chat_template="none"`).

    Args:
        name: The model's name on the server.
        base_url: Address up to and with `/v1`.
        options: `system`, `chat_template`, and `SETTINGS` in `extra`.
        key: For callers that start the server themselves; None reads the environment.
    """

    remote = True

    def __init__(
        self, name: str, base_url: str, options: ModelOptions, *, key: str | None = None
    ) -> None:
        self._set = read_extra("openai", options.extra, SETTINGS)
        if (self._set["price_in"] is None) != (self._set["price_out"] is None):
            raise BadInput("openai: price_in and price_out (a million tokens) are set together")
        self.name = name
        self.wording = _wording(name, options, self._set)
        self._top = int(self._set["top"])
        self.client = OpenAIClient(
            base_url,
            _key(self._set["key_env"]) if key is None else key,
            Transport(**{name: self._set[name] for name in _TRANSPORT}),
            row_status=row_status,
        )
        self._opened = datetime.now(UTC)
        abilities = {"generate", "choose"}
        if self._set["logprobs"]:
            abilities.add("next")
        self._echo = self._echoes() if self._set["echo"] else "not asked for (echo=True)"
        if not self._echo:
            abilities.add("logprob")
        self.abilities = frozenset(abilities)
        self.fingerprint = of_facts(
            form="openai",
            base_url=self.client.base_url,
            wording=[getattr(self.wording, f.name) for f in fields(self.wording)],
            logprobs=[self._set["logprobs"], self._top],
        )

    def __repr__(self) -> str:
        return f"OpenAILike({self.name!r}, {self.client.base_url!r})"

    def about(self) -> dict[str, Any]:
        """Facts for the record; never the key, only which variables it is looked for in."""
        return {
            "form": "openai",
            "model": self.name,
            "base_url": self.client.base_url,
            "system": self.wording.system,
            "plain_prompts": self.wording.plain,
            "body": dict(self.wording.body),
            "bos": "the server's",
            "chat_template": "the server's",
            "choose": "next, else generate" if self._set["logprobs"] else "generate",
            "logprob": self._echo or "echoed by the server",
            "opened": self._opened.isoformat(timespec="seconds"),
            "expires": (self._opened + timedelta(days=self._set["expires_days"])).isoformat(
                timespec="seconds"
            ),
            "expires_days": self._set["expires_days"],
            "requests": self.client.requests,
        }

    def partition(self, batch: Batch) -> list[Rows]:
        """One part: each row is a request of its own, so rows do not depend on their company."""
        return [np.arange(len(batch))] if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Answer rows as their replies arrive; rows whose status says so went unanswered."""
        ways: dict[str, Callable[[Batch], Iterator[tuple[Rows, Answers]]]] = {
            "generate": self._generate,
            "choose": self._choose,
            "next": self._next,
            "logprob": self._logprob,
        }
        if batch.ability not in self.abilities:
            raise AbilityError(_lacks(self.name, batch.ability))
        yield from ways[batch.ability](batch)

    def cost(self, batch: Batch) -> Cost:
        """Tokens estimated at four characters each, and money where prices are set."""
        prompts = batch.columns.get("prompt") or batch.columns.get("context") or ()
        letters = sum(len(plain(p)) for p in prompts) + len(prompts) * len(self.wording.system)
        letters += sum(map(len, batch.columns.get("continuation", ())))
        decoding = batch.settings.get("decoding")
        read = round(letters / _CHARACTERS)
        written = len(batch) * (decoding.max_tokens if decoding else 1)
        if self._set["price_in"] is None:
            return Cost(read, written)
        money = (read * self._set["price_in"] + written * self._set["price_out"]) / 1e6
        return Cost(read, written, money)

    def close(self) -> None:
        """Close the connections; idempotent."""
        self.client.close()

    def _generate(self, batch: Batch) -> Iterator[tuple[Rows, Texts]]:
        jobs = self.wording.draws(batch)
        for rows, got in self._ask(jobs, lambda _, body: read_text(body), lambda s: Said(status=s)):
            yield (
                rows,
                Texts([g.text for g in got], [g.finish for g in got], [g.status for g in got]),
            )

    def _choose(self, batch: Batch) -> Iterator[tuple[Rows, Choices]]:
        by_token = [
            self._set["logprobs"] and first_tokens.tell_apart(options)
            for options in batch.columns["options"]
        ]
        short, rest = np.flatnonzero(by_token), np.flatnonzero(~np.array(by_token, bool))
        for rows, tops in self._tops(batch.take(short).columns["prompt"]):
            options = [batch.columns["options"][i] for i in short[rows]]
            scores = [
                first_tokens.committed(o, t.tokens) for o, t in zip(options, tops, strict=True)
            ]
            yield short[rows], first_tokens.choices(scores, [t.status for t in tops], self._top)
        part = batch.take(rest)
        for rows, texts in self._generate(choose_derived.generate_batch(part)):
            yield rest[rows], choose_derived.by_text(part.take(rows), texts)

    def _next(self, batch: Batch) -> Iterator[tuple[Rows, Nexts]]:
        contexts, candidates = batch.columns["context"], batch.columns["candidates"]
        for rows, tops in self._tops(contexts):
            found = [
                first_tokens.exact(candidates[i], top.tokens, bare=self.wording.chats(contexts[i]))
                for i, top in zip(rows, tops, strict=True)
            ]
            yield rows, first_tokens.nexts(found, [t.status for t in tops], self._top)

    def _logprob(self, batch: Batch) -> Iterator[tuple[Rows, LogProbs]]:
        pairs = list(zip(batch.columns["context"], batch.columns["continuation"], strict=True))
        bare = np.array([not is_chat(context) for context, _ in pairs], bool)
        chats, rows_bare = np.flatnonzero(~bare), np.flatnonzero(bare)
        if chats.size:
            reason = "a chat prompt has no echo: only plain text is scored"
            yield chats, LogProbs.of([reason] * chats.size)
        texts = [(plain(pairs[i][0]), plain(pairs[i][0]) + pairs[i][1]) for i in rows_bare]
        jobs = self.wording.echoes([text for _, text in texts])

        def read(job: Job, body: Any) -> tuple[Any, Sequence[str]] | str:
            return read_echo(body, *texts[job.row])

        for rows, got in self._ask(jobs, read, lambda status: status):
            yield rows_bare[rows], LogProbs.of(got)

    def _tops(self, prompts: Sequence[Any]) -> Iterator[tuple[Rows, list[Tops]]]:
        jobs = self.wording.firsts(prompts, self._top)
        return self._ask(jobs, lambda _, body: read_tops(body), lambda s: Tops({}, {}, s))

    def _ask(
        self, jobs: Sequence[Job], read: Callable[[Job, Any], T], status: Callable[[str], T]
    ) -> Iterator[tuple[Rows, list[T]]]:
        if not jobs:
            return
        for arrived in self.client.ask(jobs, read, status):
            rows, got = zip(*arrived, strict=True)
            yield np.array(rows, np.int64), list(got)

    def _echoes(self) -> str:
        """Why the server cannot echo log-probabilities of a prompt, or "" where it can."""
        text = "The sky is blue."

        def read(_: Job, body: Any) -> str:
            try:
                tokens, _values = echoed(body)
            except Garbled as none:
                return str(none)
            return "" if "".join(tokens).startswith(text) else "the server does not echo the prompt"

        try:
            ((_, (reason,)),) = self._ask(self.wording.echoes([text]), read, str)
        except BadAnswer as refused:
            return str(refused)
        return reason


def open_openai(address: str, options: ModelOptions) -> OpenAILike:
    """Open `NAME@BASE_URL`. No request is sent, unless `echo=True` asks for a probe.

    Raises:
        BadInput: The address has no `@`, or no http(s) base URL behind it.
    """
    # A name may hold an "@" of its own; a URL that does is refused below.
    name, at, rest = address.partition("@http")
    if not at or not name:
        raise BadInput(
            "openai: wants NAME@BASE_URL with http:// or https://, such as "
            f"openai:my-model@http://localhost:8000/v1; got {address!r}"
        )
    base_url = f"http{rest}"
    checked_url(base_url)
    return OpenAILike(name, base_url, options)


def _key(variable: str) -> str:
    if variable:
        key = os.environ.get(variable, "")
        if not key:
            raise BadInput(f"the environment variable {variable} (key_env) is not set")
        return key
    return os.environ.get("OPENAI_API_KEY") or os.environ.get("PLUMBLINE_API_KEY") or ""


def _wording(name: str, options: ModelOptions, given: dict[str, Any]) -> Wording:
    api = "completions" if options.chat_template == "none" else given["api"]
    if api not in ("chat", "completions"):
        raise BadInput(f"openai: the setting api is 'chat' or 'completions'; got {api!r}")
    if options.chat_template not in ("auto", "none"):
        raise BadInput(
            "openai: the server has the chat template; chat_template is 'auto' or 'none' "
            "(plain prompts go to the completions path as they stand)"
        )
    return Wording(
        model=name,
        system=options.system,
        plain=api,
        body=dict(given["body"] or {}),
        max_tokens=given["max_tokens_field"],
        seed=given["seed"],
    )


def _lacks(name: str, ability: str) -> str:
    hints = {
        "next": "set logprobs=True if the server sends top_logprobs",
        "logprob": "set echo=True to ask whether the server echoes log-probabilities",
    }
    return f"{name} cannot {ability} through this interface; {hints.get(ability, 'use hf:PATH')}"
