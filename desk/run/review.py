"""The verbs `performance` and `health`: a recorded session measured again from its journal, in words or as JSON.

Books come from the session's events through a fresh engine, orders and signals from its recorded answers; nothing is
traded. The numbers are those the run itself would have given, of the whole session.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from desk.config import Config
from desk.errors import JournalError
from desk.events import Frame, Start
from desk.io.journal import JOURNAL, read_session
from desk.portfolio.fees import FeeSchedule, tariff
from desk.research.signal_health import health as health_of
from desk.research.signal_health import outcomes
from desk.research.track_record import track_record
from desk.run.observe import Observer
from desk.run.parts import Parts
from desk.run.review_text import health_text, performance_text

Build = Callable[[Start], Parts]


class Session(msgspec.Struct, frozen=True):
    """A recorded session after it was measured."""

    folder: Path
    start: Start
    observer: Observer
    said: dict[str, Any]  # its summary, {} when it never ended properly

    @property
    def fees(self) -> FeeSchedule:
        """The tier that was in force."""
        config = msgspec.json.decode(self.start.config, type=Config)
        return tariff(config.fees, embedded=self.start.venue == "embedded").at(self.start.ts)

    @property
    def head(self) -> dict[str, Any]:
        """What every result begins with: of what, and what of it is SIMULATED."""
        return {
            "session": str(self.folder),
            "feed": self.start.feed,
            "market": "SIMULATED" if self.start.venue == "embedded" else "recorded or live",
            "fills_are": "SIMULATED (paper)",
            "version": self.start.version,
        }


def observed(folder: Path, build: Build) -> Session:
    """Run a session's events through a fresh engine with an observer beside it, over its recorded answers.

    Raises JournalError for a journal that cannot be read or does not begin with its manifest.
    """
    entries, _, said = read_session(folder)
    start = entries[0].event
    if not isinstance(start, Start):
        raise JournalError(f"{folder}: the journal does not begin with a session's manifest")
    parts = build(start)
    observer = Observer(parts.engine, parts.decay, bounded=False)
    for entry in entries:
        if entry.event.ts > observer.due:
            observer.before(entry.event.ts)
        parts.engine.step(entry.event)
        if entry.effects or type(entry.event) is not Frame:
            observer.after(entry.event, entry.effects)
    return Session(folder, start, observer, said)


def performance_of(session: Session) -> dict[str, Any]:
    """The command's JSON: the track record, and the latencies of its stages."""
    record = msgspec.to_builtins(track_record(session.observer.performance.result()))
    measured = session.said.get("latency_us", {})
    times = {stage: {"measured": "event time", **values} for stage, values in record.pop("times").items()}
    times |= {stage: {"measured": "while it ran", **values} for stage, values in measured.items()}
    return {**session.head, "latency_us": times, **record}


def health_report(session: Session) -> dict[str, Any]:
    """The command's JSON: the health of every instrument and tier, and what followed the signals issued."""
    fees = session.fees
    maker, taker = float(fees.maker_bps), float(fees.taker_bps)
    found = [health_of(samples, maker, taker) for samples in session.observer.samples.samples.values()]
    issued = outcomes(session.observer.samples.issued)
    return {
        **session.head,
        "maker_bps": maker,
        "taker_bps": taker,
        "fee_tier": fees.describe(),
        "scores": msgspec.to_builtins(found),
        "signals": msgspec.to_builtins(issued),
    }


def performance(argv: list[str], build: Build) -> int:
    """`./run performance [SESSION] [--json]`."""
    return _verb("performance", "What the trades of a recorded session brought.", argv, build)


def health(argv: list[str], build: Build) -> int:
    """`./run health [SESSION] [--json]`."""
    return _verb("health", "What the order-book score knew in a recorded session.", argv, build)


def _verb(name: str, description: str, argv: list[str], build: Build) -> int:
    p = argparse.ArgumentParser(prog=f"./run {name}", description=description)
    p.add_argument("session", nargs="?", help="a session's folder, or its name below sessions/; default: the newest")
    p.add_argument("--json", action="store_true")
    options = p.parse_args(argv)
    session = observed(session_folder(options.session), build)
    result = performance_of(session) if name == "performance" else health_report(session)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(result)).decode())  # noqa: T201
    else:
        print(performance_text(result) if name == "performance" else health_text(result))  # noqa: T201
    return 0


def session_folder(named: str | None, below: Path = Path("sessions")) -> Path:
    """The folder a person named, as a path or as a name below `sessions/`; the newest session without a name."""
    if named is not None:
        folder = Path(named)
        return below / named if not folder.exists() and (below / named).exists() else folder
    found = sorted(path.parent for path in below.glob(f"*/{JOURNAL}"))
    if not found:
        raise JournalError(f"{below}/: no recorded session; name one, or record one with ./run --mode scalping")
    return found[-1]
