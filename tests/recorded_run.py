"""A whole desk over a recording, in this process and without sockets: what the replay tests run."""

from __future__ import annotations

from pathlib import Path

from deploy_trading_systems import build
from desk.config import Config
from desk.events import Command, Frame, LinkUp, Start
from desk.io.config_file import canonical, config_hash
from desk.io.frames import read_frames
from desk.io.journal import JournalWriter
from desk.io.recorded_exchange import survey
from desk.messages import LinkSpec, Subscription
from desk.run.loop import Loop
from desk.run.modes import with_symbols


def run_recording(path: Path, folder: Path, mode: str = "scalping", config: Config | None = None) -> Loop:
    """Feed every frame of a recording to the desk that `build` makes; the session is recorded in `folder`."""
    contents = survey(lambda: read_frames(path), path.name)
    symbols = tuple(dict.fromkeys(symbol for _, symbol in contents.topics))
    config = with_symbols(config or Config(), symbols)
    wanted = tuple(
        Subscription(channel, symbol, size if channel in ("book", "level3") else 0)
        for (channel, symbol), size in contents.topics.items()
    )
    start = Start(
        contents.begin,
        mode,
        f"replay:{path.name}",
        "kraken",
        symbols,
        canonical(config),
        config_hash(config),
        1,
        "test",
        (LinkSpec("recording", wanted),),
    )
    parts = build(start)
    journal = JournalWriter(folder)
    resyncs = []
    loop = Loop(parts.engine, parts.venue, parts.gate, journal, resyncs.append)
    loop.resyncs = resyncs
    loop.arrive(start, 0)
    loop.arrive(LinkUp(contents.begin, 0), 0)
    ts = contents.begin
    for frame in read_frames(path):
        if frame.direction == "<":
            ts = frame.ts if frame.ts is not None else ts + 1_000_000
            loop.arrive(Frame(ts, 0, frame.data), 0)
    loop.arrive(Command(ts, "stop", "the recording ends"), 0)
    journal.flush()
    journal.close({"effect_hash": journal.effect_hash})
    return loop
