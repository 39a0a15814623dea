"""The order-book score of one market as frames come: numbers kept by a kernel, objects made when somebody asks.

A frame of an ordinary kind (read as bytes, checksum right, within a second already sampled) is taken in by `calm` with
a few words read; everything else goes through `rescore`. Where no kernel can compute the score (a `ScoreFn` of another
formula, a book that no checksum proves, an order-by-order book in plain Python) `features` and the function do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from desk.kernels import score as at
from desk.market.state import Market, Track
from desk.messages import Side
from desk.signals.features import SpreadStats, features
from desk.signals.score_words import ScoreWords
from desk.signals.shape import Score, ScoreFn, formula_of

ATTESTED = at.TAKEN  # levels a side that a matching checksum proves
NEWS, TURN, STAMP = at.NEWS // 8, at.TURN // 8, at.STAMP // 8
TOTAL, IMBALANCE, REFERENCE = at.TOTAL // 8, at.IMBALANCE // 8, at.REFERENCE // 8
BID, BID_QTY, ASK, ASK_QTY = (offset // 8 for offset in (at.BID, at.BID_QTY, at.ASK, at.ASK_QTY))
UNUSUAL = at.WRONG | at.UNCLAIMED | at.REFUSED


class LiveScore:
    """The latest score of a market's believed book; `why` is the code of why there is none.

    `count` rises with every score, `ts` is the newest one's, `epoch` rises whenever something else than levels changed.
    The other numbers are those that a kernel keeps; ask `kept` first.
    """

    __slots__ = (
        "_attested", "_default_bps", "_doubles", "_kept", "_made", "_made_at", "_score", "_worded", "_words", "count",
        "epoch", "inst", "known", "market", "spreads", "ts", "why",
    )  # fmt: skip

    def __init__(self, market: Market, score: ScoreFn, default_bps: float, attested: bool = True) -> None:
        self.market, self.inst = market, market.inst
        self.spreads = SpreadStats()
        self.ts = self.count = self.epoch = 0
        self.known = False
        self.why = ""
        self._score, self._default_bps, self._attested = score, default_bps, attested
        self._kept: dict[str, ScoreWords] = {}  # by channel
        self._worded: ScoreWords | None = None  # what the kernel keeps of the believed book
        self._words: memoryview[int] = memoryview(b"")  # the same, at hand
        self._doubles: memoryview[float] = memoryview(b"").cast("d")
        self._made: Score | None = None
        self._made_at = 0

    # --- a frame

    def calm(self, track: Track, now: int) -> bool:
        """Take in a frame that the book has just read. False, nothing done, when it is not an ordinary one."""
        if now >= track.calm_until:
            return False
        words = self._words
        news = words[NEWS]
        market = self.market
        if news:
            if news & UNUSUAL:
                return False
            market.touched(track, now, words[BID], words[BID_QTY], words[ASK], words[ASK_QTY])
        elif now > market.flow.now:
            market.flow.now = now
        market.contradicted = 0
        track.crc_ok += 1
        track.proof = now
        track.ts_exch = words[STAMP] or track.ts_exch
        self.ts = now
        self.count += 1
        return True

    def rescore(self, track: Track, now: int) -> None:
        """Score the believed book as it is at `now`, and tell the market of its touch."""
        market, book = self.market, track.book
        if code := market.why:
            self.forget(code)
            return
        bid, ask = book.bid, book.ask
        self.spreads.update(now, 20_000.0 * (ask - bid) / (ask + bid))
        reference, median = self.spreads.ref(self._default_bps), self.spreads.median
        kept = self._words_of(track)
        if kept is not self._worded:
            self.unsettle()  # the last score is another book's
        if kept is not None:
            kept.judge_by(reference, median)
        if kept is not None and book.score():
            words = kept.words
            market.touched(track, now, bid, words[BID_QTY], ask, words[ASK_QTY])
            track.calm_until = min(self.spreads.due, market.flow.due)
            self._worded, self._words, self._doubles = kept, words, kept.doubles
            self.why = kept.code
        else:
            bids, asks = book.levels(Side.BUY, ATTESTED), book.levels(Side.SELL, ATTESTED)
            market.touched(track, now, bid, bids[0][1], ask, asks[0][1])
            made = features(now, self.inst, bids, asks, reference, median, book.tier, self._attested)
            self.unsettle()
            self._worded = None
            self.why = made if isinstance(made, str) else ""
            if not isinstance(made, str):
                self._made, self._made_at = self._score(made), self.count + 1
        self.known = not self.why
        if self.known:
            self.ts = now
            self.count += 1

    def forget(self, code: str) -> None:
        """There is no score to believe any more; the last one there was stays in `last`."""
        self.unsettle()
        self.known, self.why = False, code
        self.market.lost()

    def unsettle(self) -> None:
        """Something else than levels changed: minds may, and the next frame is looked at in full."""
        self._made = self.last
        self.epoch += 1
        self.market.unsettle()

    def _words_of(self, track: Track) -> ScoreWords | None:
        kept = self._kept.get(track.channel)
        if kept is None and self._attested and (formula := formula_of(self._score)) is not None:
            kept = self._kept[track.channel] = ScoreWords(self.inst, track.book.tier, formula)
            track.book.aim(kept.address)
        return kept

    # --- what is known

    @property
    def score(self) -> Score | None:
        """The score, None when the book cannot be believed or measured. The same object until the next one."""
        return self.last if self.known else None

    @property
    def last(self) -> Score | None:
        """The last score there was."""
        if self._made_at != self.count and self._worded is not None:
            self._made, self._made_at = self._worded.score(self.ts), self.count
        return self._made

    @property
    def latest(self) -> float:
        """The total of `score`, without making it where a kernel keeps it; 0 before the first."""
        if self._worded is not None:
            return self._doubles[TOTAL]
        return self._made.total if self._made is not None else 0.0

    @property
    def lag_ns(self) -> int:
        time, track = self.market.time, self.market.track
        return 0 if time.reading is None or track is None else time.lag(track)

    @property
    def kept(self) -> bool:
        return self._worded is not None

    @property
    def turn(self) -> int:
        return self._words[TURN]

    @property
    def bid(self) -> int:
        return self._words[BID]

    @property
    def ask(self) -> int:
        return self._words[ASK]

    @property
    def spread_ref_bps(self) -> float:
        return self._doubles[REFERENCE]

    @property
    def total(self) -> float:
        return self._doubles[TOTAL]

    @property
    def imbalance(self) -> float:
        return self._doubles[IMBALANCE]


class Scores(Mapping[str, Score]):
    """The scores there are, by instrument: made when asked for."""

    def __init__(self, live: Mapping[str, LiveScore]) -> None:
        self._live = live

    def __getitem__(self, inst: str) -> Score:
        score = self._live[inst].score
        if score is None:
            raise KeyError(inst)
        return score

    def __iter__(self) -> Iterator[str]:
        return (inst for inst, live in self._live.items() if live.known)

    def __len__(self) -> int:
        return sum(live.known for live in self._live.values())
