"""The questions, who answers them, and the bars: what must hold against each peer, and what we aim for."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.contenders import (
    Contender,
    candles,
    latency,
    nautilus_socket,
    ours,
    peers,
    sockets,
    storage,
    whole_engine,
)

PEERS = ".venv-bench"  # the environment of those marked so


class Entry(NamedTuple):
    """A contender by name. `apart`: it lives in the peers' own environment."""

    name: str
    contender: Contender
    apart: bool = False


class Bar(NamedTuple):
    """A ratio to a peer that our `row` reaches, or, where `of` names a figure of our own row, a limit that it keeps."""

    row: str
    of: str
    must: float
    moonshot: float
    unit: str = "x"

    @property
    def is_ratio(self) -> bool:
        return self.unit == "x"


class Unit(NamedTuple):
    """What a figure is, and how many of it are a µs: every contender's `us` is shown so."""

    text: str
    in_us: float = 1.0


FRAME_CPU, LATENCY = Unit("µs of CPU a frame"), Unit("µs, p50")
ROW_CPU, SYMBOL_CPU = Unit("ns of CPU a row", 1000.0), Unit("ms of CPU a symbol", 0.001)


class Group(NamedTuple):
    """One question on one stream. `serve`: the stream comes from a server, the same one for all.

    Without channels it is asked about candles: benchmarks.candles.
    """

    name: str
    channels: tuple[str, ...]
    depth: int
    entries: tuple[Entry, ...]
    bars: tuple[Bar, ...] = ()
    serve: bool = False
    share: float = 1.0  # of the frames of the other groups
    quick: bool = True  # part of a quick run
    unit: Unit = FRAME_CPU


SDK, CCXT, NAUTILUS, C_BOOK = "python-kraken-sdk", "ccxt.pro", "nautilus_trader", "order-book + msgspec"
FRAME, BATCH, SCORED = "ours, a frame a call", "ours, many frames a call", "ours, with features and score"
TALIB, PANDAS_TA, HISTOGRAM, PANDAS = "TA-Lib", "pandas-ta-classic", "np.histogram", "pandas"
TYPED, OURS, ENGINE = "ours, typed decoder", "ours", "ours, whole engine"
TRADING = "ours, whole engine, trading"


def _bytes_to_l2(depth: int, *, quick: bool) -> Group:
    return Group(
        f"bytes → verified L2 book, depth {depth}",
        ("book",),
        depth,
        (
            Entry(FRAME, ours.by_frame("book")),
            Entry(BATCH, ours.in_batches),
            Entry(SCORED, ours.scored("book")),
            Entry(TYPED, ours.by_message("book")),
            Entry(C_BOOK, peers.order_book, apart=True),
            Entry(NAUTILUS, peers.nautilus("book"), apart=True),
            Entry(SDK, peers.kraken_sdk),
        ),
        (Bar(FRAME, C_BOOK, 8, 15), Bar(FRAME, SDK, 25, 45), Bar(BATCH, C_BOOK, 20, 35)),
        quick=quick,
    )


GROUPS = (
    Group(
        "socket → L2 book, depth 10",
        ("book",),
        10,
        (
            Entry(OURS, sockets.ours("book")),
            Entry(CCXT, sockets.ccxt),
            Entry(NAUTILUS, nautilus_socket.nautilus("book"), apart=True),
            Entry(SDK, sockets.kraken_sdk),
        ),
        (Bar(OURS, CCXT, 8, 15), Bar(OURS, NAUTILUS, 12, 22), Bar(OURS, SDK, 20, 35)),
        serve=True,
    ),
    _bytes_to_l2(10, quick=True),
    _bytes_to_l2(25, quick=False),
    _bytes_to_l2(100, quick=False),
    Group(
        "socket → L3 book, depth 10",
        ("level3",),
        10,
        (Entry(OURS, sockets.ours("level3")), Entry(NAUTILUS, nautilus_socket.nautilus("level3"), apart=True)),
        (Bar(OURS, NAUTILUS, 12, 25),),
        serve=True,
    ),
    Group(
        "bytes → verified L3 book, depth 10",
        ("level3",),
        10,
        (
            Entry(FRAME, ours.by_frame("level3")),
            Entry(SCORED, ours.scored("level3")),
            Entry(TYPED, ours.by_message("level3")),
            Entry(NAUTILUS, peers.nautilus("level3"), apart=True),
        ),
    ),
    Group(
        "tick → decision, book 10 and trades",
        ("book", "trade"),
        10,
        (Entry(ENGINE, whole_engine.engine(trades=False)), Entry(TRADING, whole_engine.engine(trades=True))),
        (
            Bar(ENGINE, "p50", 2, 0.8, "µs"),
            Bar(ENGINE, "p99", 5, 1.5, "µs"),
            Bar(ENGINE, "p99.9", 15, 3, "µs"),
            Bar(ENGINE, "us", 2, 0.67, "µs/frame"),  # 0.5 and 1.5 million frames a second
        ),
    ),
    Group(
        "tick → decision, level3 10 and trades",
        ("level3", "trade"),
        10,
        (Entry(ENGINE, whole_engine.engine(trades=False)), Entry(TRADING, whole_engine.engine(trades=True))),
    ),
    Group(
        "replay, book 100",
        ("book",),
        100,
        (
            Entry("recording → verified book", storage.verified_recording),
            Entry("session → every answer again", storage.replayed_session),
        ),
        (Bar("recording → verified book", storage.A_DAY, 10, 1.5, "s"),),
    ),
    Group(
        "written while trading, book 10",
        ("book",),
        10,
        (Entry("recorder of frames", storage.recorder), Entry("journal of the session", storage.journal)),
        (
            Bar("recorder of frames", "hot_us", 0.2, 0.07, "µs/frame"),
            Bar("recorder of frames", "us", 1, 0.45, "µs/frame"),
            Bar("journal of the session", "us", 1, 0.45, "µs/frame"),
        ),
    ),
    Group(
        "socket latency at 2000 frames/s",
        ("book",),
        10,
        (
            Entry("ours, to the score", latency.ours),
            Entry("ours, to the score, spinning", latency.ours_spinning),
            Entry("websockets, receive only", latency.websockets),
            Entry("aiohttp, receive only", latency.aiohttp),
            Entry("a bare socket, spinning", latency.floor),
        ),
        (
            Bar("ours, to the score", "websockets, receive only", 1, 1.3),
            Bar("ours, to the score, spinning", "ours, to the score", 2.5, 4),
        ),
        share=0.1,
        unit=LATENCY,
    ),
    Group(
        "6 indicators, batch",
        (),
        0,
        (Entry(OURS, candles.six), Entry(TALIB, candles.talib, apart=True), Entry(PANDAS_TA, candles.pandas_ta)),
        (Bar(OURS, TALIB, 1, 1.5), Bar(OURS, PANDAS_TA, 40, 80)),
        quick=False,
        unit=ROW_CPU,
    ),
    Group(
        "volume profile, 200 bins",
        (),
        0,
        (
            Entry(OURS, candles.profile),
            Entry(HISTOGRAM, candles.numpy_histogram),
            Entry("ours, bars spread over their range", candles.spread_profile),
        ),
        (Bar(OURS, HISTOGRAM, 2, 8),),
        quick=False,
        unit=ROW_CPU,
    ),
    Group(
        "timeframes ×5, from minutes",
        (),
        0,
        (
            Entry(OURS, candles.ladder),
            Entry(PANDAS, candles.pandas_resample(chained=False)),
            Entry("pandas, each from the last", candles.pandas_resample(chained=True)),
        ),
        (Bar(OURS, PANDAS, 3, 6),),
        quick=False,
        unit=ROW_CPU,
    ),
    Group(
        "whole analysis, six timeframes",
        (),
        0,
        (Entry(OURS, candles.analysis),),
        (Bar(OURS, "us", 200, 50, "ms/symbol"),),  # 100 symbols in 20 s
        quick=False,
        unit=SYMBOL_CPU,
    ),
)
