"""A place for files that is full after a stated number of bytes."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOM = 4 * 2**20


@dataclass
class SmallDisk:
    """A folder on it, and what a process must do before it begins.

    Args:
        folder: Where the disk is mounted.
        real: Whether it is a file system of its own; else no file can grow beyond `limit` bytes.
        limit: See `real`.
    """

    folder: Path
    real: bool
    limit: int | None = None

    def before(self) -> None:
        """In a new process: where there is no real disk, its files cannot grow any more."""
        if self.limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))

    def fill(self, *, leave: int) -> None:
        """Let only so many bytes be free."""
        if not self.real:
            self.limit = leave
            return
        ballast = self.folder / "ballast"
        free = shutil.disk_usage(self.folder).free - leave
        with ballast.open("ab") as file:
            file.write(b"\0" * max(0, free))

    def empty(self) -> None:
        """Free everything that `fill` took."""
        self.limit = None
        (self.folder / "ballast").unlink(missing_ok=True)


@contextmanager
def small_disk(folder: Path, *, room: int = ROOM) -> Iterator[SmallDisk]:
    """Mount a small file system in memory; without the right to do so, limit the size of files."""
    folder.mkdir()
    got = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    real = got.returncode == 0
    print("a file system of its own" if real else "no right to mount: files are limited instead")
    try:
        yield SmallDisk(folder, real)
    finally:
        if real:
            subprocess.run(["umount", "-l", str(folder)], check=True)
