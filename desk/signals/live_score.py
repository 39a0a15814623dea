"""The order-book score of one market as frames come: numbers kept by a kernel, objects made when somebody asks.

A frame of an ordinary kind (read as bytes, checksum right) ends in the kernel (desk.kernels.calm); everything else goes
through `rescore`. What is sampled once a second is sampled on the beat. Where no kernel can compute the score (a
`ScoreFn` of another formula, a book that no checksum proves, an order-by-order book in plain Python) `features` and the
function do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from desk.kernels import score as at
from desk.market.state import Market, Track
from desk.messages import Side
from desk.signals.features import SpreadStats, features
from desk.signals.score_words import ScoreWords
from desk.signals.shape import Guard, Score, ScoreFn, Trend, formula_of

ATTESTED = at.TAKEN  # levels a side that a matching checksum proves
TURN, TOTAL, IMBALANCE, REFERENCE = at.TURN // 8, at.TOTAL // 8, at.IMBALANCE // 8, at.REFERENCE // 8
BID, BID_QTY, ASK, ASK_QTY = (offset // 8 for offset in (at.BID, at.BID_QTY, at.ASK, at.ASK_QTY))
SCORES, TS = at.SCORES // 8, at.TS // 8
REST_UNTIL, REST_TURN, GATES = at.REST_UNTIL // 8, at.REST_TURN // 8, at.GATES // 8
LATE, RESTED = at.LATE // 8, at.RESTED // 8
TRADED, LOW, HIGH, X_LOW, X_HIGH = (offset // 8 for offset in (at.TRADED, at.LOW, at.HIGH, at.X_LOW, at.X_HIGH))
FELT, EMA, TAU_S = at.FELT // 8, at.EMA // 8, at.TAU_S // 8
LABEL, LABEL_MODERATE, LABEL_STRONG = at.LABEL // 8, at.LABEL_MODERATE // 8, at.LABEL_STRONG // 8
NEVER_LATE = 1 << 62
BEATLESS = 2_000_000_000  # ns for which frames wait for a beat to sample what is due, before one of them does it itself


class LiveScore:
    """The latest score of a market's believed book; `why` is the code of why there is none.

    `count` rises with every score, `ts` is the newest one's, `epoch` rises whenever something else than levels changed.
    The other numbers are those that a kernel keeps; ask `kept` first.
    """

    __slots__ = (
        "_attested", "_default_bps", "_doubles", "_kept", "_made", "_made_at", "_score", "_worded", "_words", "epoch",
        "inst", "known", "lone", "market", "spreads", "why",
    )  # fmt: skip

    def __init__(self, market: Market, score: ScoreFn, default_bps: float, attested: bool = True) -> None:
        self.market, self.inst = market, market.inst
        self.spreads = SpreadStats()
        self.epoch = 0
        self.known = False
        self.why = ""
        self.lone = False  # one strategy watches this book and nobody else does: it may rest
        self._score, self._default_bps, self._attested = score, default_bps, attested
        self._kept: dict[str, ScoreWords] = {}  # by channel
        self._worded: ScoreWords | None = None  # what the kernel keeps of the believed book
        blank = memoryview(bytearray(at.WORDS * 8))
        self._words: memoryview[int] = blank.cast("q")  # the same, at hand; our own while no kernel keeps any
        self._doubles: memoryview[float] = blank.cast("d")
        self._made: Score | None = None
        self._made_at = 0

    # --- a frame

    def rescore(self, track: Track, now: int) -> None:
        """Score the believed book as it is at `now`, and tell the market of its touch."""
        market, book = self.market, track.book
        market.flow.reached(self.ts)
        if code := market.why:
            self.forget(code)
            return
        if now >= self._patience:
            self._sample(track, now)
        bid, ask = book.bid, book.ask
        reference, median = self.spreads.ref(self._default_bps), self.spreads.median
        kept = self._words_of(track)
        if kept is not self._worded:
            self.unsettle()  # the last score is another book's
            self._keep(kept)
        if kept is not None:
            kept.judge_by(reference, median)
        if kept is not None and book.score():
            words = kept.words
            market.touched(track, now, bid, words[BID_QTY], ask, words[ASK_QTY])
            track.record.until = self._patience
            market.trade_frames.trust(track.record.address, kept.address)
            self.why = kept.code
        else:
            bids, asks = book.levels(Side.BUY, ATTESTED), book.levels(Side.SELL, ATTESTED)
            market.touched(track, now, bid, bids[0][1], ask, asks[0][1])
            made = features(now, self.inst, bids, asks, reference, median, book.tier, self._attested)
            self.unsettle()
            self._keep(None)
            market.trade_frames.trust(0, 0)
            self.why = made if isinstance(made, str) else ""
            if not isinstance(made, str):
                self._made, self._made_at = self._score(made), self.count + 1
        self.known = not self.why
        if self.known:
            self._words[TS] = now
            self._words[SCORES] += 1

    @property
    def _patience(self) -> int:
        """ns, until when no frame samples anything."""
        return min(self.spreads.due, self.market.flow.due) + BEATLESS

    def beat(self, now: int) -> None:
        """A few times a second, between frames: one spread and one sum of the flow each second, as the believed book
        is; the next frame's score is judged by them.
        """
        market, track = self.market, self.market.track
        market.touches.make_room()
        if track is None or market.why:
            return
        market.flow.reached(self.ts)
        self._sample(track, now)
        if track.record.until:  # 0: somebody wants to look at the next frame
            track.record.until = self._patience

    def _sample(self, track: Track, now: int) -> None:
        self.market.flow.sample(now)
        if now < self.spreads.due:
            return
        bid, ask = track.book.bid, track.book.ask
        self.spreads.update(now, 20_000.0 * (ask - bid) / (ask + bid))
        if self._worded is not None:
            self._made = self.last  # the score says what it was judged by
            self._worded.judge_by(self.spreads.ref(self._default_bps), self.spreads.median)

    def forget(self, code: str) -> None:
        """There is no score to believe any more; the last one there was stays in `last`."""
        self.unsettle()
        self.known, self.why = False, code
        self.market.trade_frames.trust(0, 0)
        self.market.lost()

    def unsettle(self) -> None:
        """Something else than levels changed: minds may, and the next frame is looked at in full."""
        self._made = self.last
        self.epoch += 1
        self.market.unsettle()
        self.rouse()

    def _words_of(self, track: Track) -> ScoreWords | None:
        kept = self._kept.get(track.channel)
        if kept is None and self._attested and (formula := formula_of(self._score)) is not None:
            kept = self._kept[track.channel] = ScoreWords(self.inst, track.book.tier, formula)
            kept.words[at.TOUCHES // 8] = self.market.touches.address
        return kept

    def _keep(self, kept: ScoreWords | None) -> None:
        """From now on a kernel keeps these words, of the believed book alone; None: nobody does."""
        words = self._words
        for channel, each in self._kept.items():
            self.market.tracks[channel].book.aim(each.address if each is kept else 0)
        self._worded = kept
        if kept is not None:
            kept.follow(words)
            self._words, self._doubles = kept.words, kept.doubles

    # --- the one strategy that watches

    def rest(
        self, until: int, turn: int | None, gates: int, prompt_ns: int, trend: Trend | None, guard: Guard | None
    ) -> None:
        """Nothing is to be said before `until` (ns), while `turn` is this one (None: at any) or the words at `gates`
        (0: none) say "no" too, within `guard`, and frames are not later than `prompt_ns`; `trend` goes on meanwhile. No
        effect unless `lone`.
        """
        if not self.lone or self._worded is None:
            return
        words, doubles, reading = self._words, self._doubles, self.market.time.reading
        words[REST_TURN], words[GATES] = -1 if turn is None else turn, gates
        words[LATE] = NEVER_LATE if reading is None else prompt_ns - reading.offset_ns
        doubles[TAU_S] = 0.0
        if trend is not None:
            words[FELT], doubles[EMA], doubles[TAU_S] = trend.felt, trend.ema, trend.tau_s
            words[LABEL], doubles[LABEL_MODERATE], doubles[LABEL_STRONG] = trend.label, trend.moderate, trend.strong
        words[TRADED] = 0
        if guard is not None:
            words[TRADED], words[LOW], words[HIGH], doubles[X_LOW], doubles[X_HIGH] = guard
        words[RESTED] = 0
        words[REST_UNTIL] = until

    def rouse(self) -> None:
        """The next frame is the strategy's again."""
        self._words[REST_UNTIL] = 0

    def rested(self) -> tuple[int, int, tuple[int, float, int]]:
        """End of the rest: (frames it lasted, the turn of the last, the trend then: ns felt, EMA, label)."""
        words = self._words
        words[REST_UNTIL] = 0
        frames, words[RESTED] = words[RESTED], 0
        return frames, words[REST_TURN], (words[FELT], self._doubles[EMA], words[LABEL])

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
    def count(self) -> int:
        """Scores there were."""
        return self._words[SCORES]

    @property
    def ts(self) -> int:
        """ns, of the newest one."""
        return self._words[TS]

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
