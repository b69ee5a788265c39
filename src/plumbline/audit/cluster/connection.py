"""The way to a Ray cluster: joined or started, looked over, left."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from plumbline.audit.cluster.worker import Worker
from plumbline.audit.engine import RayEngine
from plumbline.core.errors import BadInput, MissingExtra, Unreachable

QUIET: Final = {
    # A cluster started here counts and sends nothing.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray tells of dead workers on standard output, `log_to_driver` or not, and there `--json` prints its
    # document. What happened is in our own messages.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
}
"""Read by Ray when it is imported; what the user has set stays."""
PATIENCE: Final = 20.0
"""Seconds for somebody to listen at a cluster's address: its head may just be starting."""


@dataclass(frozen=True)
class Connection:
    """A cluster that this process is connected to.

    Attributes:
        ray: The package.
        own: Whether `close` ends the connection, and with it a cluster that was started for it.
        fixed: Whether no node can join later: the cluster was started for this connection.
        handler: What SIGTERM did before; Ray sets a handler of its own.
    """

    ray: ModuleType
    own: bool
    fixed: bool = False
    handler: Any = None

    def nodes(self) -> list[dict[str, float]]:
        """CPUs and GPUs of every living node."""
        return [node["Resources"] for node in self.ray.nodes() if node["Alive"]]

    def gpus(self) -> float:
        """GPUs of the cluster."""
        return sum(node.get("GPU", 0.0) for node in self.nodes())

    def room(self, threads: int, gpus: float) -> int:
        """Workers of this size that the cluster would hold if nothing else ran on it."""
        return sum(
            int(min(node.get("CPU", 0.0) // threads, node.get("GPU", 0.0) / gpus if gpus else 1e9))
            for node in self.nodes()
        )

    def hire(self, threads: int, gpus: float) -> Any:
        """Start one worker; it says nothing until it is asked."""
        # Set before the process loads any library that counts the machine's cores or GPUs. Ray hides
        # GPUs that belong to other workers, but none from a worker that asked for none.
        seen = {"OMP_NUM_THREADS": str(threads), **({} if gpus else {"CUDA_VISIBLE_DEVICES": ""})}
        actor = self.ray.remote(Worker).options(
            num_cpus=threads, num_gpus=gpus, max_restarts=0, max_task_retries=0,
            runtime_env={"env_vars": seen},
        )  # fmt: skip
        return actor.remote()

    def close(self) -> None:
        """Leave the cluster, where this process had not joined it before."""
        if not self.own:
            return
        self.ray.shutdown()
        _give_back(self.handler)


def connect(engine: RayEngine) -> Connection:
    """Join the engine's cluster, or start one.

    Raises:
        MissingExtra: Ray is not installed.
        BadInput: `RAY_ADDRESS` is none.
        Unreachable: There is no cluster, or it is of another version.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingExtra("ray", "ray", "the engine 'ray'")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        return Connection(ray, own=False)
    # What the environment names has to be an address like any other.
    named = RayEngine(address=os.environ.get("RAY_ADDRESS") or "local")
    address = engine.address or named.address or "local"
    if address not in {"local", "auto"}:
        _listening(address)
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if main else None
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        ray.init(
            address=address, configure_logging=False, log_to_driver=False,
            **(_started(engine) if address == "local" else {}),
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        _give_back(handler)
        raise _no_cluster(address, error) from error
    return Connection(ray, own=True, fixed=address == "local", handler=handler)


def _give_back(handler: Any) -> None:
    """Let SIGTERM do what it did before Ray came."""
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _listening(address: str) -> None:
    """Wait a little for somebody at HOST:PORT: Ray itself tries for minutes, and tells nobody."""
    host, _, port = address.rpartition(":")
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE):
                return
        except (OSError, ValueError) as error:
            if time.monotonic() > until:
                raise _no_cluster(address, error) from error
            time.sleep(0.5)


def _no_cluster(address: str, error: BaseException) -> Unreachable:
    return Unreachable(
        f"no Ray cluster at {address!r}: {_first_line(error)} Start one by `ray start --head` (and "
        "`ray start --address=HEAD:6379` on the other nodes) with the same versions of Python and "
        "Ray, or let --ray-address local start one here."
    )


def _started(engine: RayEngine) -> dict[str, Any]:
    """Settings of a cluster of our own: as large as what was asked for, and nothing to look at."""
    wanted = None if engine.workers is None else engine.workers * engine.threads_per_worker
    return {"num_cpus": wanted, "include_dashboard": False}


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."


def size(connection: Connection, engine: RayEngine) -> tuple[int, float]:
    """(workers, GPUs of each) that the engine means on this cluster.

    More workers than there is room for are no error where nodes can still join: Ray starts them
    as nodes come, and tells an autoscaler that they are wanted.

    Raises:
        BadInput: The cluster has no room for them, and will have none.
    """
    gpus = engine.gpus_per_worker
    if gpus is None:
        gpus = 1.0 if connection.gpus() else 0.0
    threads = engine.threads_per_worker
    room = connection.room(threads, gpus)
    wanted = max(1, room) if engine.workers is None else engine.workers
    if wanted > room and (connection.fixed or engine.workers is None):
        nodes = connection.nodes()
        cpus = sum(node.get("CPU", 0.0) for node in nodes)
        raise BadInput(
            f"a worker with {threads} threads and {gpus:g} GPUs: {wanted} wanted, and the cluster has "
            f"room for {room} ({len(nodes)} nodes with {cpus:g} CPUs and {connection.gpus():g} GPUs). Ask "
            "for fewer or smaller workers, or join a larger cluster"
        )
    return wanted, gpus
