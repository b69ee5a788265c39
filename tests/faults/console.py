"""`plumbline` in a process of its own, with a model form that counts its questions."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LPBS = ("--metrics", "lpbs", "--suite", "full")  # an audit of 1,440 questions
MANY = 1440


@dataclass
class Console:
    """Starts the command line.

    Args:
        folder: The processes' working folder; the form `counted:LOG` is announced in it.
        variables: Further variables of the environment.
    """

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Path) -> Console:
        """Announce the adapter of `counted_model` as an installed package would."""
        made = folder / "installed" / "counted_model-1.dist-info"
        made.mkdir(parents=True)
        (made / "METADATA").write_text("Metadata-Version: 2.1\nName: counted-model\nVersion: 1\n")
        (made / "entry_points.txt").write_text(
            "[plumbline.adapters]\ncounted = counted_model:open_counted\n"
        )
        return cls(folder)

    def start(
        self, *words: object, before: Callable[[], None] | None = None, **variables: object
    ) -> subprocess.Popen[str]:
        """A process of `plumbline WORDS`; standard output and error are pipes.

        Args:
            words: The command line.
            before: Called in the new process before it begins.
            variables: Of its environment, beside those of this process.
        """
        known = [str(self.folder / "installed"), str(Path(__file__).parent)]
        path = os.pathsep.join([*known, *filter(None, [os.environ.get("PYTHONPATH")])])
        given = {name: str(value) for name, value in {**self.variables, **variables}.items()}
        return subprocess.Popen(
            [sys.executable, "-m", "plumbline", *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", **given, "PYTHONPATH": path},
            preexec_fn=before,  # noqa: PLW1509 - no other thread of this process is running
        )  # fmt: skip

    def run(
        self, *words: object, before: Callable[[], None] | None = None, **variables: object
    ) -> subprocess.CompletedProcess[str]:
        """The same, waited for."""
        process = self.start(*words, before=before, **variables)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def one_message(got: subprocess.CompletedProcess[str]) -> str:
    """The last line of standard error of a command that was refused; fails on a traceback."""
    assert "Traceback" not in got.stderr, got.stderr
    assert got.returncode == 2, (got.returncode, got.stdout, got.stderr)
    said = [line for line in got.stderr.splitlines() if line.startswith(("plumbline: ", "Error: "))]
    assert len(said) == 1, got.stderr
    return said[0]
