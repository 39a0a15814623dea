"""One stream for every contender: frames of the embedded market, in Kraken's own form, with right checksums."""

from __future__ import annotations

import gzip
from pathlib import Path

from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire.kraken_venue import Topic

START = 1_795_132_800_000_000_000
SECOND = 1_000_000_000


def frames(channels: tuple[str, ...], depth: int, count: int, symbol: str = "BTC/USD", seed: int = 7) -> list[bytes]:
    """`count` frames of one symbol: a snapshot per channel, then its updates. Same arguments, same bytes."""
    market = SimMarket(seed, START, symbols=(symbol,))
    publisher = Publisher(market, {symbol: market.instruments[symbol]})
    topics = [Topic(channel, symbol, depth if channel in ("book", "level3") else 0) for channel in channels]
    made = [publisher.open(topic, START) for topic in topics]
    now = START
    while len(made) < count:
        now += 60 * SECOND
        while market.next_at <= now and len(made) < count:
            made += [frame for _, frame in publisher.advance(now)]
    return made[:count]


def record(made: list[bytes], path: Path) -> Path:
    """The frames as a recording that the embedded exchange serves again."""
    lines = b"".join(b"%d\t<\t%s\n" % (START + i * 1_000_000, frame) for i, frame in enumerate(made))
    path.write_bytes(gzip.compress(lines, 1))
    return path
