"""`gguf:PATH`: a GGUF file in llama.cpp, run in this process by xllamacpp's server.

The server listens on a free port of the loopback address; `generate` and `choose` go through
`OpenAILike`, and `next` matches candidates by token id among the likeliest first tokens.
llama.cpp gives no log-probabilities of a prompt, so there is no `logprob`.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, final

import numpy as np

from plumbline.core import questions
from plumbline.core.answers import Answers, Nexts
from plumbline.core.errors import AbilityError, BadInput, MissingExtra
from plumbline.core.questions import Batch, Decoding, Prompt, Segment
from plumbline.models import first_tokens
from plumbline.models.abilities import Cost, ModelOptions, Rows
from plumbline.models.extras import read_extra
from plumbline.models.fingerprints import of_facts, of_files
from plumbline.models.gguf_header import GgufHeader, other_parts, read_gguf_header
from plumbline.models.openai_client import Garbled, Job, OpenAIClient
from plumbline.models.openai_like import OpenAILike
from plumbline.models.openai_replies import read_tops, row_status
from plumbline.models.prompt_render import flattened, is_chat, messages
from plumbline.models.transport import Transport

SETTINGS: Final[dict[str, Any]] = {"slots": 4, "threads": 0, "gpu_layers": 0, "top": 1000}
"""`slots`: prompts at once; `threads`: 0 for half the logical cores; `gpu_layers`: layers on a GPU; `top`:
how many of the likeliest first tokens are looked through for a candidate."""
CONTEXT: Final = 2048
"""Longest context unless the options or the file say less or more."""
_SAMPLERS: Final = {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0, "cache_prompt": False}
"""llama.cpp's own samplers off: what is asked for is temperature and top_p, and nothing else.
Prompts are not kept between requests, so that an answer does not depend on earlier ones."""
MERGED: Final = "candidate merges with the end of the context"


@final
class Gguf:
    """A GGUF model: `generate`, `choose` (from first tokens, else in words) and `next`.

    Args:
        path: The file.
        options: `system`, `chat_template` (`auto`: the file's own, where it has one), and
            `max_context`; `SETTINGS` in `extra`.
    """

    remote = False
    abilities = frozenset({"generate", "choose", "next"})

    def __init__(self, path: Path, options: ModelOptions) -> None:
        self._set = read_extra("gguf", options.extra, SETTINGS)
        self._header = read_gguf_header(path)
        self._options = options
        self._templated = _templated(self._header, options)
        said = self._header.of_model("context_length")
        fits = isinstance(said, int) and not isinstance(said, bool) and said > 0
        self.context = options.max_context or (min(CONTEXT, said) if fits else CONTEXT)
        self.name = str(self._header.facts.get("general.name") or path.stem)
        self.fingerprint = of_facts(
            form="gguf",
            file=of_files(path, other_parts(path)),
            llama=importlib.metadata.version("xllamacpp") if _installed() else "",
            context=self.context,
            system=options.system,
            chat_template=options.chat_template,
            **{name: self._set[name] for name in ("slots", "gpu_layers", "top")},
        )
        self._server: Any = _serve(path, self._set, self.context, options)
        self._inner, self._tools = self._connect()
        # A server that is stopped before its first task can wait for ever (xllamacpp 2026.10).
        list(self.answer(questions.generate(["a"], decoding=Decoding(max_tokens=1))))

    def about(self) -> dict[str, Any]:
        """Facts for the record."""
        facts = self._header.facts
        return {
            "form": "gguf",
            "model": self.name,
            "architecture": self._header.architecture,
            "file_type": facts.get("general.file_type"),
            "precision": "as quantised in the file",
            "bos": "llama.cpp's" if facts.get("tokenizer.ggml.add_bos_token") else "none",
            "chat_template": self._options.chat_template if self._templated else "none",
            "system": self._options.system,
            "context": self.context,
            "device": "gpu" if self._set["gpu_layers"] else "cpu",
            "slots": self._set["slots"],
            "choose": "next, else generate",
            "llama": importlib.metadata.version("xllamacpp"),
        }

    def partition(self, batch: Batch) -> list[Rows]:
        """One part: the server keeps its slots full by itself."""
        return [np.arange(len(batch))] if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """Answer rows as they are finished."""
        if batch.ability not in self.abilities:
            raise AbilityError(
                f"{self.name} cannot {batch.ability}: llama.cpp's server generates, chooses and "
                "gives next tokens. hf: opens models that can do more."
            )
        if batch.ability == "next":
            yield from self._next(batch)
            return
        yield from self._inner.answer(self._rendered(batch, "prompt"))

    def cost(self, batch: Batch) -> Cost:
        """Tokens estimated at four characters each."""
        return self._inner.cost(batch)

    def close(self) -> None:
        """Stop the server; idempotent."""
        self._inner.close()
        self._tools.close()
        self._server = None

    def _connect(self) -> tuple[OpenAILike, OpenAIClient]:
        root = str(self._server.listening_address)
        travel = {"clients": 1, "in_flight": 2 * self._set["slots"], "timeout": 3600.0}
        extra = {
            **travel, "retries": 1, "api": "completions", "logprobs": True,
            "top": self._set["top"], "body": dict(_SAMPLERS),
        }  # fmt: skip
        inner = replace(self._options, chat_template="auto", extra=extra)
        tools = OpenAIClient(root, "", Transport(**travel, retries=1), row_status=row_status)
        return OpenAILike(self.name, f"{root}/v1", inner, key=""), tools

    def _rendered(self, batch: Batch, column: str) -> Batch:
        """The batch with chat prompts flattened to text where there is no chat template."""
        if self._templated:
            return batch
        prompts = [(Segment(flattened(p, self._options.system)),) for p in batch.columns[column]]
        return batch.with_columns({**batch.columns, column: prompts})

    def _next(self, batch: Batch) -> Iterator[tuple[Rows, Nexts]]:
        batch = self._rendered(batch, "context")
        contexts, candidates = batch.columns["context"], batch.columns["candidates"]
        wanted = self._first_ids(contexts, candidates)
        jobs = self._inner.wording.firsts(contexts, self._set["top"])

        def read(job: Job, body: Any) -> tuple[Any, str]:
            ids, tops = wanted[job.row], read_tops(body)
            if tops.status or ids is None:
                return None, tops.status or MERGED
            values = [tops.ids.get(i) for i in ids]
            return (None if None in values else np.array(values, float)), ""

        for arrived in self._inner.client.ask(jobs, read, lambda status: (None, status)):
            rows, got = zip(*arrived, strict=True)
            made = first_tokens.nexts([v for v, _ in got], [s for _, s in got], self._set["top"])
            yield np.array(rows, np.int64), made

    def _first_ids(
        self, contexts: Sequence[Prompt], candidates: Sequence[Sequence[str]]
    ) -> list[list[int] | None]:
        """Id of each candidate's first token after its context; None where tokens merge."""
        texts = self._templates(contexts)
        whole = [(i, texts[i] + c) for i, row in enumerate(candidates) for c in row]
        tokens = self._tokens([*texts, *(text for _, text in whole)])
        heads, tails = tokens[: len(texts)], tokens[len(texts) :]
        ids: list[list[int] | None] = [[] for _ in texts]
        for (i, _), tail in zip(whole, tails, strict=True):
            head, row = heads[i], ids[i]
            if row is None or tail[: len(head)] != head or len(tail) == len(head):
                ids[i] = None
            else:
                row.append(tail[len(head)])
        return ids

    def _templates(self, prompts: Sequence[Prompt]) -> list[str]:
        """Each prompt as the text that the model reads."""
        chats = [p for p in dict.fromkeys(prompts) if is_chat(p)]
        jobs = [
            Job(row, "apply-template", {"messages": messages(p, self._options.system)})
            for row, p in enumerate(chats)
        ]
        made = dict(zip(chats, self._tool(jobs, "prompt"), strict=True))
        return [made[p] if is_chat(p) else flattened(p) for p in prompts]

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        unique = list(dict.fromkeys(texts))
        ask = {"add_special": True, "parse_special": True}
        jobs = [Job(row, "tokenize", {"content": text, **ask}) for row, text in enumerate(unique)]
        made = dict(zip(unique, self._tool(jobs, "tokens"), strict=True))
        return [made[text] for text in texts]

    def _tool(self, jobs: Sequence[Job], wanted: str) -> list[Any]:
        """One field of each reply, in the jobs' order."""

        def read(_: Job, body: Any) -> Any:
            if not isinstance(body, dict) or wanted not in body:
                raise Garbled(f"the reply has no {wanted!r}")
            return body[wanted]

        got = {row: value for part in self._tools.ask(jobs, read, str) for row, value in part}
        return [got[job.row] for job in jobs]


def open_gguf(path: str, options: ModelOptions) -> Gguf:
    """Open a GGUF file.

    Raises:
        MissingExtra: xllamacpp is not installed.
        BadInput: Not a whole GGUF file, or llama.cpp cannot load it.
    """
    if options.bos != "auto":
        raise BadInput("gguf: the file says whether a BOS token is put first; bos must be 'auto'")
    if not _installed():
        read_gguf_header(Path(path))
        raise MissingExtra("xllamacpp", "gguf", f"gguf:{path}")
    return Gguf(Path(path), options)


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("xllamacpp") is not None


def _templated(header: GgufHeader, options: ModelOptions) -> bool:
    """Whether chat prompts go through a template: the file's own, or one that was given."""
    if options.chat_template == "auto":
        return bool(header.facts.get("tokenizer.chat_template"))
    return options.chat_template != "none"


def _serve(path: Path, given: dict[str, Any], context: int, options: ModelOptions) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = given["slots"]
    params.n_ctx = context * given["slots"]
    params.n_gpu_layers = given["gpu_layers"]
    # llama.cpp's threads wait for each other by spinning: with as many threads as there are
    # logical cores, any other work on the machine slows it down a hundredfold.
    params.cpuparams.n_threads = given["threads"] or max(1, (os.cpu_count() or 1) // 2)
    params.cpuparams.poll = 0
    params.warmup = params.ui = False
    params.verbosity = -1
    if options.chat_template not in ("auto", "none"):
        params.chat_template = options.chat_template
    try:
        return xllamacpp.Server(params)
    except RuntimeError as failed:
        raise BadInput(
            f"llama.cpp cannot load {path} with {given['slots']} slots of {context} tokens "
            f"({failed}). Is the file whole, its architecture known to this xllamacpp, and is "
            "there memory enough (fewer slots, a smaller max_context)?"
        ) from None
