"""One stream for every contender: frames of the embedded market, in Kraken's own form, with right checksums."""

from __future__ import annotations

from pathlib import Path

import msgspec

from desk.events import Frame
from desk.io.recorder import MEMBER
from desk.sim.market import SimMarket
from desk.sim.publish import Publisher
from desk.wire import kraken_venue_rest as rest
from desk.wire.kraken_venue import Topic
from desk.wire.members import pack
from desk.wire.recording import lines

START = 1_795_132_800_000_000_000
SECOND = 1_000_000_000
# What a live capture of BTC/USD showed (GarethCooke/DepthCharge, harness and replay notes on Kraken traces).
LIVE = {"entries an update": {10: 1.45, 25: 1.55, 100: 1.63}, "removals": 0.24, "bytes a frame": 200}


def frames(channels: tuple[str, ...], depth: int, count: int, symbol: str = "BTC/USD", seed: int = 7) -> list[bytes]:
    """`count` frames of one symbol: a snapshot per channel, then its updates. Same arguments, same bytes."""
    market = SimMarket(seed, START, symbols=(symbol,))
    publisher = Publisher(market, {symbol: market.instruments[symbol]})
    detail = {"book": depth, "level3": depth, "ohlc": 1}
    topics = [Topic(channel, symbol, detail.get(channel, 0)) for channel in channels]
    made = [publisher.open(topic, START) for topic in topics]
    now = START
    while len(made) < count:
        now += 60 * SECOND
        while market.next_at <= now and len(made) < count:
            made += [frame for _, frame in publisher.advance(now)]
    return made[:count]


def minutes(symbol: str, seed: int = 7) -> bytes:
    """The 720 minutes before the frames of the same seed, as the venue's REST answers them."""
    market = SimMarket(seed, START, symbols=(symbol,))
    inst = market.instruments[symbol]
    rows = Publisher(market, {symbol: inst}).candles(symbol, 1, START, 720)
    return rest.result({rest.pair_key(symbol): rest.ohlc(inst, rows), "last": START // SECOND})


def record(made: list[bytes], path: Path) -> Path:
    """The frames as the recorder writes them, a millisecond apart: what the embedded exchange serves again."""
    text = lines([Frame(START + i * 1_000_000, 0, frame) for i, frame in enumerate(made)])
    with path.open("wb") as file:
        while text:
            cut = text.rfind(b"\n", 0, MEMBER) + 1 or len(text)
            file.write(pack(text[:cut]))
            text = text[cut:]
    return path


def shape(made: list[bytes], channel: str) -> dict[str, float]:
    """How much one update of a book changes, and how long a frame is: the figures that decide what a frame costs."""
    updates = [message["data"][0] for raw in made if (message := msgspec.json.decode(raw))["channel"] == channel]
    entries = [entry for update in updates[1:] for side in ("bids", "asks") for entry in update[side]]
    gone = sum(1 for entry in entries if entry.get("qty") == 0 or entry.get("event") == "delete")
    return {
        "entries an update": round(len(entries) / (len(updates) - 1), 2),
        "removals": round(gone / len(entries), 3),
        "bytes a frame": round(sum(map(len, made[1:])) / (len(made) - 1), 1),
    }
