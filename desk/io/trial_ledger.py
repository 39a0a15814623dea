"""The ledger of variants tried: one JSON line for each rule when it is first looked at, appended and never changed.

A deflated Sharpe ratio answers for all of them, so forgetting one would flatter the rest.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import msgspec

from desk.errors import DeskError
from desk.research.trials import Trial, fresh


class TrialLedger:
    """`folder/trials-<market>.jsonl`: what was tried on a simulated market says nothing about a real one.

    Raises DeskError naming the file, the line and what to do.
    """

    def __init__(self, folder: Path, market: str) -> None:
        self.path = folder / f"trials-{market}.jsonl"

    def read(self) -> tuple[Trial, ...]:
        """Every line, oldest first; none when there is no file yet. An unfinished last line was never in it."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return ()
        except OSError as e:
            raise DeskError(f"{self.path}: cannot be read ({e.strerror}); make it readable") from e
        return tuple(self._trial(number, line) for number, line in enumerate(lines[:-1], 1))

    def append(self, tried: Sequence[Trial]) -> None:
        """Write down those that are not in it, in one piece, on the disk before anything is said about them."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                _lock(file)  # several processes may analyse side by side
                new = fresh(self.read(), tried)
                if new:
                    file.truncate(self._whole())
                    file.write(b"".join(msgspec.json.encode(t) + b"\n" for t in new))
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as e:
            raise DeskError(
                f"{self.path}: cannot be written ({e.strerror}); free some space or make it writable"
            ) from e

    def _trial(self, number: int, line: bytes) -> Trial:
        try:
            return msgspec.json.decode(line, type=Trial)
        except msgspec.MsgspecError as e:
            raise DeskError(f"{self.path}: line {number} is not a trial ({e}); remove the line") from e

    def _whole(self) -> int:
        """The length of the whole lines: a power cut may have left the last one unfinished."""
        return self.path.read_bytes().rfind(b"\n") + 1


def _lock(file: IO[bytes]) -> None:
    """Wait until no other process writes; the lock ends with the file. Without flock, one process is meant."""
    try:
        from fcntl import LOCK_EX, flock
    except ImportError:
        return
    flock(file, LOCK_EX)
