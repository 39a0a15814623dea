"""The kill switch's memory: one small file beside the sessions that survives restarts and crashes.

    latch.json   {"killed": "why" | "", "halted": "drawdown: …" | "", "since": ns, "flatten": bool,
                  "rearmed": [ns, …], "why": "the reason of the last re-arming"}

Written by a person's `kill` or `rearm`, by the console's key and by a breaker that trips; read by every session at its
start and, while it runs, whenever the file changes. A file that cannot be understood counts as killed: a safety device
that fails must fail shut. This module imports nothing of reports, money or screens.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec.structs import replace

from desk.config import Journal
from desk.errors import JournalError
from desk.wholefile import write_whole

NAME = "latch.json"
DAY_NS = 86_400_000_000_000
REARMS_A_DAY = 2  # a third within 24 h takes effect at the next start only
UNREADABLE = "the latch file cannot be read"


class Latch(msgspec.Struct, frozen=True, kw_only=True):
    """What is latched. `killed` by a person, `halted` by a breaker: why, "" when not. Times in ns since 1970 UTC."""

    killed: str = ""
    halted: str = ""
    since: int = 0
    flatten: bool = False
    rearmed: tuple[int, ...] = ()
    why: str = ""

    @property
    def open(self) -> bool:
        """Nothing is latched: entries may be made."""
        return not self.killed and not self.halted

    def rearms_since(self, ts: int) -> int:
        """How often a person re-armed after `ts`."""
        return sum(at > ts for at in self.rearmed)


def read(folder: Path) -> Latch:
    """The latch in a folder; never raises: no file is no latch, an unreadable one is killed."""
    try:
        raw = (folder / NAME).read_bytes()
    except FileNotFoundError:
        return Latch()
    except OSError as err:
        return Latch(killed=f"{UNREADABLE}: {err.strerror}")
    try:
        return msgspec.json.decode(raw, type=Latch)
    except msgspec.DecodeError as err:
        return Latch(killed=f"{UNREADABLE}: {err}")


def changed(folder: Path) -> int:
    """Says another number whenever the file was written again; 0 without a file."""
    try:
        return (folder / NAME).stat().st_mtime_ns
    except OSError:
        return 0


def kill(folder: Path, why: str, now: int, *, flatten: bool = False) -> Latch:
    """Latch the kill. A second one keeps the first's reason; it may add the wish to be flat."""
    held = read(folder)
    killed = held.killed or why.strip() or "killed by a person"
    since = held.since if held.killed else now
    return _write(folder, replace(held, killed=killed, since=since, flatten=flatten or held.flatten))


def halt(folder: Path, why: str, now: int) -> Latch:
    """Latch what a breaker decided, so that a restart does not forget it. The first one stays."""
    held = read(folder)
    if held.halted:
        return held
    return _write(folder, replace(held, halted=why, since=held.since if held.killed else now))


def expire(folder: Path) -> Latch:
    """Lift a breaker's latch whose time is over (a daily loss on the next day); a person's kill stays."""
    return _write(folder, replace(read(folder), halted=""))


def rearm(folder: Path, why: str, now: int) -> Latch:
    """Open the latch. Raises JournalError without a reason: a safety device is not lifted by habit."""
    if not why.strip():
        raise JournalError('re-arming needs a reason: ./run rearm --why "what was wrong, and why it is right now"')
    held = read(folder)
    recent = tuple(at for at in held.rearmed if at > now - DAY_NS)
    return _write(folder, Latch(rearmed=(*recent, now), why=why.strip()))


def prove(folder: Path) -> Latch:
    """The latch as it is, written back to show that it can be. Raises JournalError when a kill could not be kept."""
    return _write(folder, read(folder))


def _write(folder: Path, latch: Latch) -> Latch:
    """Whole or not at all, and on the disk before anybody relies on it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / NAME, msgspec.json.format(msgspec.json.encode(latch)))
    except OSError as err:
        raise JournalError(
            f"{folder / NAME}: the kill switch cannot be stored ({err.strerror}); "
            "free the disk or make the folder writable"
        ) from err
    return latch


def folder_of(config: Path) -> Path:
    """Where the sessions are: read loosely, because a kill must work when the rest of the configuration does not."""
    try:
        return Path(msgspec.json.decode(config.read_bytes())["journal"]["dir"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return Path(Journal().dir)
