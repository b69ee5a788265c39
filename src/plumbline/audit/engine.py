"""Where a plan is carried out: in this process, or on a Ray cluster.

An engine is no part of the plan. What is asked does not depend on it, so the plan's hash, the model's
fingerprint, the answers and the findings are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from plumbline.core.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from plumbline.audit.plan import Plan
    from plumbline.models.abilities import Adapter

ENGINES: Final = ("local", "ray")
# Forms that have nothing to spread over a cluster, and what to do instead.
_ALONE: Final = {
    "openai": "a server answers its questions already, many at once: leave --engine away, and let "
    "the server have the cluster (vLLM and TGI run on Ray and Kubernetes by themselves)",
    "table": "its answers are on file and nothing is computed: leave --engine away",
    "answers": "its answers are on file and nothing is computed: leave --engine away",
}


@dataclass(frozen=True, kw_only=True)
class RayEngine:
    """A Ray cluster whose workers each hold the plan's model.

    Args:
        address: `local` starts a cluster on this machine, for as long as the run lasts; `auto` or
            HOST:PORT joins one that is there. None: the one that the variable `RAY_ADDRESS` names,
            else `local`. A connection that this process already has is used as it is.
        workers: Processes that hold the model; None: as many as the cluster has room for.
        gpus_per_worker: GPUs of each; None: 1 where the cluster has any, else 0.
        threads_per_worker: CPUs of each, and its number of threads.
    """

    address: str | None = None
    workers: int | None = None
    gpus_per_worker: float | None = None
    threads_per_worker: int = 1

    def __post_init__(self) -> None:
        for name, least in (("workers", 1), ("threads_per_worker", 1), ("gpus_per_worker", 0)):
            value = getattr(self, name)
            whole = name != "gpus_per_worker"
            if value is None and name != "threads_per_worker":
                continue
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise BadInput(f"{name} wants a {'whole ' if whole else ''}number; got {value!r}")
            if not value >= least:
                raise BadInput(f"{name} wants at least {least}; got {value}")
        host, colon, port = (self.address or "local").rpartition(":")
        known = self.address in {None, "local", "auto"}
        if not known and not (host and colon and port.isdecimal() and "//" not in host):
            raise BadInput(
                f"a Ray cluster is at 'auto', 'local' or HOST:PORT (the head's port, 6379 unless it was "
                f"started with another); got {self.address!r}"
            )


def engine_of(given: Any) -> RayEngine | None:
    """The engine that a caller means; None is this process.

    Raises:
        UnknownName: A name that is no engine's.
        BadInput: Neither a name nor an engine.
    """
    if given is None or isinstance(given, RayEngine):
        return given
    if not isinstance(given, str):
        raise BadInput(f"an engine is 'local', 'ray' or a RayEngine; got {type(given).__name__}")
    if given not in ENGINES:
        raise UnknownName("engine", given, ENGINES)
    return RayEngine() if given == "ray" else None


def open_on(engine: RayEngine, plan: Plan, subject: Any = None) -> Adapter:
    """The plan's model on a cluster.

    Args:
        engine: Where.
        plan: Its `model` and `options` are opened by every worker.
        subject: What the caller wants audited in place of the plan's model; must be None.

    Raises:
        BadInput: A model that cannot be opened elsewhere, or need not.
        MissingExtra: Ray is not installed.
        Unreachable: No cluster there, or its workers cannot be started.
    """
    from plumbline.audit.cluster.adapter import open_ray
    from plumbline.audit.run import model_options

    if subject is not None:
        raise BadInput(
            f"a Python object ({type(subject).__name__}) lives in this process, and the workers of a "
            "cluster open a model by its form: save it and name it (hf:DIR, corrected:DIR, ...), make "
            "it a form of a package (entry point plumbline.adapters), or leave the engine away"
        )
    form = plan.model.partition(":")[0]
    if form in _ALONE:
        raise BadInput(f"{plan.model} needs no cluster: {_ALONE[form]}")
    return open_ray(engine, plan.model, model_options(plan))
