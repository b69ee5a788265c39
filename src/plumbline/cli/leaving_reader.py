"""Standard streams whose reader may leave: `plumbline audit MODEL | head`."""

from __future__ import annotations

import os
from typing import Any, TextIO


class LeavingReader:
    """A text stream that is written on when its reader has gone, to nowhere.

    The work goes on, and the process ends with the exit code that it earns: a gate that fails does
    not pass because the reader of its table had enough.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """The text's length, whoever reads it."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._to_nowhere()
            return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._to_nowhere()

    def _to_nowhere(self) -> None:
        # What is still in the buffer goes there too, with the next flush.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
