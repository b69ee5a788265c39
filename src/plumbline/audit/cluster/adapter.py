"""A model that is held by the workers of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, final

from plumbline.audit.cluster.connection import Connection, connect, size
from plumbline.audit.cluster.crew import Crew
from plumbline.audit.engine import RayEngine
from plumbline.core.answers import Answers
from plumbline.core.errors import BadInput
from plumbline.core.questions import Batch
from plumbline.models.abilities import Cost, ModelOptions, Rows

Pieces = Sequence[tuple[Rows, Answers]]


@final
class RayAdapter:
    """The plan's model on a cluster, for the runner; see `StreamingAdapter` for the contract.

    It has the name, fingerprint and facts of the model that its workers opened, and all abilities
    but `open`: the live module is in no process that a method runs in.

    Args:
        connection: The cluster; closed with the adapter.
        crew: The workers.
        engine: What was asked for, with what was found in place of None.
    """

    remote = False

    def __init__(self, connection: Connection, crew: Crew, engine: RayEngine) -> None:
        self._connection, self._crew, self._engine = connection, crew, engine
        facts = crew.open()
        if facts.remote or "records" in facts.abilities:
            raise BadInput(
                f"{facts.name} computes nothing that a cluster could share: its answers are on file or come "
                "from a server. Leave --engine away"
            )
        self.name = facts.name
        self.abilities = facts.abilities - {"open"}
        self.fingerprint = facts.fingerprint
        self._about = facts.about

    def about(self) -> dict[str, Any]:
        """What the first worker said of its model when it was opened."""
        return dict(self._about)

    def engine(self) -> dict[str, Any]:
        """Where the questions were answered, for the run's record."""
        return {
            "name": "ray",
            "ray": self._connection.ray.__version__,
            "workers": self._engine.workers,
            "gpus_per_worker": self._engine.gpus_per_worker,
            "threads_per_worker": self._engine.threads_per_worker,
            "replaced": self._crew.replaced,
        }

    @property
    def processes(self) -> list[tuple[str, int]]:
        """(node, number of the process) of every open worker."""
        return [(place.node, place.process) for place in self._crew.places]

    def partition(self, batch: Batch) -> list[Rows]:
        """The model's own split, made by one worker from the whole batch."""
        return list(self._crew.one("partition", batch)) if len(batch) else []

    def answer(self, batch: Batch) -> Iterator[tuple[Rows, Answers]]:
        """One part, by one worker."""
        yield from self._crew.one("answer", batch)

    def stream(self, batch: Batch, parts: Sequence[Rows]) -> Iterator[tuple[int, Pieces]]:
        """Answers of many parts, by all workers, as they come."""

        def arguments(number: int) -> tuple[Batch]:
            return (batch.take(parts[number].tolist()),)

        return self._crew.run("answer", arguments, len(parts))

    def cost(self, batch: Batch) -> Cost:
        """What the batch would take, counted by one worker."""
        found: Cost = self._crew.one("cost", batch)
        return found

    def close(self) -> None:
        """End the workers and leave the cluster; a second call does nothing."""
        self._crew.close()
        self._connection.close()


def open_ray(engine: RayEngine, model: str, options: ModelOptions) -> RayAdapter:
    """Open a model on a cluster; see `plumbline.audit.engine.open_on`."""
    connection = connect(engine)
    crew: Crew | None = None
    try:
        workers, gpus = size(connection, engine)
        threads = engine.threads_per_worker
        crew = Crew(
            connection, partial(connection.hire, threads, gpus),
            (model, options, str(Path.cwd())), workers,
        )  # fmt: skip
        found = RayEngine(
            address=engine.address,
            workers=workers,
            gpus_per_worker=gpus,
            threads_per_worker=threads,
        )
        return RayAdapter(connection, crew, found)
    except BaseException:
        if crew is not None:
            crew.close()
        connection.close()
        raise
