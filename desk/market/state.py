"""All we know of each instrument, and whether it may be believed.

    DOWN → CONNECTING → SNAPSHOT_WAIT → SYNCED ⇄ SUSPECT → RESYNC → SNAPSHOT_WAIT …

A book gives signals only while it is SYNCED, two-sided, uncrossed, of an instrument that is online at a venue that is
online. A wrong checksum makes it SUSPECT within the same message and asks for that symbol alone to be subscribed again.
Updates before the snapshot are ignored, and so is whatever belongs to an earlier subscription: frames of a connection
that is gone, and a snapshot that comes before the venue has acknowledged the last subscription asked for. A checksum
proves ten levels a side; those below may be used while an audit (desk.market.audit) is recent.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from desk.errors import FeedError
from desk.instrument import Instrument
from desk.market.bars import MinuteBars
from desk.market.flow import LevelFlow, TouchFlow
from desk.market.gaps import TradeRepair
from desk.market.raw_l2 import READ, RawL2Book
from desk.market.raw_l3 import RawL3Book
from desk.market.spread import SpreadClock
from desk.market.tape import TradeTape
from desk.market.touches import Touches
from desk.market.trade_frames import TradeFrames
from desk.market.venue_time import VenueTime
from desk.messages import BookUpdate, OrdersUpdate

CHANNELS: dict[str, type[RawL2Book] | type[RawL3Book]] = {"book": RawL2Book, "level3": RawL3Book}
RESCALED = "DECIMALS_CHANGED"
STALL = 2_000_000_000  # ns for which trades may contradict a book that does not move
SNAPSHOT_PATIENCE = 10_000_000_000  # ns between asking for a snapshot and asking again
PROVEN = 10  # levels a side that a matching checksum proves
AUDIT_GOOD = 300_000_000_000  # ns for which an audit proves the levels below them


class BookState(StrEnum):
    """What a book is worth."""

    DOWN = "DOWN"
    CONNECTING = "CONNECTING"
    SNAPSHOT_WAIT = "SNAPSHOT_WAIT"
    SYNCED = "SYNCED"
    SUSPECT = "SUSPECT"
    RESYNC = "RESYNC"


SYNCED = BookState.SYNCED
ONLINE = ("online", "unknown")  # what a venue says of itself while it trades


class Fault(msgspec.Struct, frozen=True):
    """Why a book stopped being believable."""

    inst: str
    channel: str
    link: int
    why: str


class Track:
    """One book of one instrument on one channel: the book, its state, and its record."""

    __slots__ = (
        "audited", "audited_depth", "audits_failed", "book", "channel", "crc_bad", "crossed", "due", "early", "epoch",
        "gaps", "ignored", "inst", "link", "record", "rejoined", "resyncs", "seq_ok", "since", "stale", "state",
        "unchecked", "up", "why",
    )  # fmt: skip

    def __init__(self, inst: str, channel: str, link: int, depth: int) -> None:
        self.inst, self.channel, self.link = inst, channel, link
        self.book: RawL2Book | RawL3Book = CHANNELS[channel](depth)
        self.record = self.book.record
        self.state = BookState.CONNECTING
        self.why = "connecting"
        self.crc_bad = self.resyncs = self.unchecked = self.ignored = self.crossed = self.stale = 0
        self.seq_ok = self.gaps = 0  # where numbers prove the book: see desk.market.numbered
        self.since = 0  # ns, when the state began
        self.up = True  # its connection
        self.epoch = 0  # subscriptions asked for, over all connections
        self.due = 0  # subscriptions of this connection that the venue has not acknowledged
        self.rejoined = False  # it was asked for again on this connection
        self.early = 0  # frames of an earlier subscription that came while a later one was awaited
        self.audited = 0  # ns, when the levels below the checksum were last found right; 0: not since the last snapshot
        self.audited_depth = 0  # levels a side that this audit reached
        self.audits_failed = 0

    @property
    def crc_ok(self) -> int:
        """Frames whose checksum was right."""
        return self.record.proven

    @property
    def proof(self) -> int:
        """ns, the last frame that proved this book."""
        return self.record.at

    @property
    def ts_exch(self) -> int:
        """ns, the venue's time of the newest frame that had one."""
        return self.record.stamped

    def connected(self, now: int) -> None:
        """A connection is open, and this book subscribed to. Nothing older can arrive on it."""
        self.up, self.due, self.rejoined = True, 1, False
        self.epoch += 1
        self._await(BookState.SNAPSHOT_WAIT, "waiting for the snapshot", now)

    def disconnected(self, why: str, now: int) -> None:
        """The connection is gone, and the book with it."""
        self.up = False
        self._await(BookState.DOWN, why, now)

    def resubscribed(self, why: str, now: int) -> None:
        """The book is being asked for again: snapshots count once this subscription is acknowledged.

        A subscription that nothing came of within the patience is over: nothing of it is under way any more.
        """
        self.due = 0 if self.overdue(now) else self.due + 1
        self.rejoined = True
        self.epoch += 1
        self.resyncs += 1
        self._await(BookState.RESYNC, why, now)

    def acknowledged(self) -> None:
        """The venue confirmed a subscription: what comes from here on belongs to it."""
        self.due = max(0, self.due - 1)

    def _await(self, state: BookState, why: str, now: int) -> None:
        self.become(state, why, now)
        self.audited = self.audited_depth = 0
        self.book.clear()

    def usable(self, now: int) -> int:
        """Levels a side that may be used: those the checksum proves, and more while an audit is recent."""
        return max(PROVEN, self.audited_depth) if self.audited and now - self.audited <= AUDIT_GOOD else PROVEN

    def become(self, state: BookState, why: str, now: int) -> None:
        self.state, self.why, self.since = state, why, now
        self.record.readable, self.record.until = state is BookState.SYNCED, 0

    @property
    def remedy(self) -> str:
        """The REST call that heals this book; "" where subscribing again does."""
        return ""

    def wants(self) -> str:
        """The REST call that this book needs and has not asked for yet, "" for none."""
        return ""

    def apply(self, update: BookUpdate | OrdersUpdate, now: int) -> Fault | None:
        """Apply a message and prove it; returns the fault when it cannot be believed any more."""
        if not self.up or (update.snapshot and self.due and self.rejoined):
            self.early += 1
            return None
        if not update.snapshot and self.state is not BookState.SYNCED:
            self.ignored += 1
            return None
        if update.snapshot and 0 < update.ts_exch < self.ts_exch:
            # An old one, replayed late. A second one in a row means that the venue's clock went back: believe it then.
            self.stale += 1
            self.record.stamped = 0
            return None
        try:
            self.book.apply(update)  # type: ignore[arg-type]  # the channel decides both types
        except FeedError as err:  # a number beyond what the book can hold: it is as it was, and no longer the venue's
            return self._doubt(str(err), now)
        return self._prove(update.checksum, update.ts_exch, now)

    def describe(self, instrument: Instrument) -> None:
        """The decimals of the instrument are known: from now on frames may be read as bytes."""
        self.book.describe(instrument.px_decimals, instrument.qty_decimals, instrument.symbol)

    def read(self, frame: bytes, now: int) -> tuple[bool, Fault | None]:
        """Apply an update frame as bytes, if the book knows its form: (read, the fault it caused).

        FALLBACKs, snapshots and books that are not believed go through the decoder and `apply`.
        """
        if self.state is not BookState.SYNCED or self.book.feed(frame) != READ:
            return False, None
        return True, self.prove(now)

    def prove(self, now: int) -> Fault | None:
        """Look at the frame that the book has just read; returns the fault when it cannot be believed any more."""
        book = self.book
        return self._prove(book.claimed if book.claimed >= 0 else None, book.ts_exch, now)

    def _prove(self, claimed: int | None, ts_exch: int, now: int) -> Fault | None:
        self.record.stamped = ts_exch or self.record.stamped
        if claimed is None:
            self.unchecked += 1
        elif claimed != (ours := self.book.checksum):
            self.crc_bad += 1
            return self._doubt(f"checksum mismatch: ours {ours}, the venue's {claimed}", now)
        else:
            self.record.proven += 1
        self.crossed = self.crossed + 1 if self.book.crossed else 0
        if self.crossed > 1:
            return self._doubt("crossed for more than one message", now)
        if self.state is not BookState.SYNCED:
            self.become(BookState.SYNCED, "", now)
        self.record.at = now
        return None

    def _doubt(self, why: str, now: int) -> Fault:
        self.become(BookState.SUSPECT, why, now)
        self.crossed = 0
        return Fault(self.inst, self.channel, self.link, why)

    def overdue(self, now: int) -> bool:
        """Whether a snapshot was asked for and has not come in time."""
        return self.state in (BookState.SNAPSHOT_WAIT, BookState.RESYNC) and now - self.since > SNAPSHOT_PATIENCE


class Market:
    """One instrument: its books by channel, its bars, its tape, the flow at its touch. `track` is the book to use."""

    __slots__ = (
        "_flows", "barred", "bars", "contradicted", "heard", "inst", "instrument", "levels", "now", "repair", "tape",
        "time", "touches", "tracks", "trade_frames", "venue_status",
    )  # fmt: skip

    def __init__(self, inst: str) -> None:
        self.inst = inst
        self.instrument: Instrument | None = None
        self.tracks: dict[str, Track] = {}
        self.bars = MinuteBars(inst)
        self.tape = TradeTape(inst)
        self.repair = TradeRepair(inst, self.tape, self.bars)
        self.trade_frames = TradeFrames(inst, self.repair.streak)
        self.touches = Touches()  # of the book that is believed
        self.levels: LevelFlow | None = None  # kept only where a strategy asked for it (the engine feeds it)
        self._flows: Track | None = None  # the book that feeds them
        self.venue_status = "unknown"
        self.now = 0
        self.contradicted = 0  # ns, since when trades or the ticker contradict a book that does not move
        self.barred = ""  # the code of what forbids trading this symbol, whatever its book is worth
        self.heard: dict[int, int] = {}  # link → ns of its last frame, shared with the engine
        self.time = VenueTime()  # of its venue, shared too

    @property
    def track(self) -> Track | None:
        """The book to use: order by order if it is believable, else by levels, else whatever there is."""
        orders, levels = self.tracks.get("level3"), self.tracks.get("book")
        if orders is None or (orders.state is not SYNCED and levels and levels.state is SYNCED):
            return levels
        return orders

    def touched(self, track: Track, now: int, bid: int, bid_qty: int, ask: int, ask_qty: int) -> None:
        """The believed book's touch after an event; a touch of another book than before begins anew."""
        if self._flows is not track:
            self.lost()
            self._flows = track
        self.touches.apply(now, bid, bid_qty, ask, ask_qty)

    @property
    def flow(self) -> TouchFlow:
        """Of the touch of the book that is believed."""
        return self.touches.flow

    @property
    def spread(self) -> SpreadClock:
        """Of the same touch."""
        return self.touches.spread

    def lost(self) -> None:
        """No book is believed: what flowed until one is again cannot be known."""
        self.touches.restart()
        if self.levels is not None:
            self.levels.restart()
        self._flows = None
        self.unsettle()

    def unsettle(self) -> None:
        """Something that is not a level changed: the next frame of every book is looked at in full."""
        for track in self.tracks.values():
            track.record.until = 0

    # --- what strategies see (desk.strategies.base.BookView)

    @property
    def why(self) -> str:
        """The refusal code that applies to this book now, "" when it can be believed."""
        track, instrument = self.track, self.instrument
        if track is None or track.state is not SYNCED:
            return "BOOK_NOT_SYNCED"
        if self.barred:
            return self.barred
        if self.venue_status not in ONLINE:
            return "VENUE_NOT_ONLINE"
        if instrument is not None and instrument.status != "online":
            return "INSTRUMENT_NOT_ONLINE"
        return track.book.flaw

    @property
    def ready(self) -> bool:
        return self.why == ""

    def beyond(self, px: int) -> bool:
        """Whether the book can be believed and this price lies outside of its touch."""
        track = self.track
        return track is not None and track.state is SYNCED and track.book.outside(px) and self.ready

    @property
    def age_ns(self) -> int:
        """ns since the venue sent the last proof that the book is current: a frame of any kind on its connection.

        In the venue's time, offset-corrected: a frame that came late was already old when it came. Kraken sends a
        heartbeat every second on a live connection, so a quiet pair is not a stale one.
        """
        track = self.track
        return self.now if track is None else self.age_of(track)

    def age_of(self, track: Track) -> int:
        """`age_ns` of one of the books."""
        heard = self.heard.get(track.link, 0)
        if heard > track.proof:  # without a stamp of its own: as late as the newest stamped one of its connection
            return self.now - heard + self.time.lags.get(track.link, 0)
        return self.now - track.proof + self.time.lag(track)

    @property
    def book(self) -> RawL2Book | RawL3Book:
        track = self.track
        if track is None:
            raise LookupError(f"{self.inst}: no book; ask `ready` first")
        return track.book

    @property
    def bid(self) -> int:
        return self.book.bid

    @property
    def ask(self) -> int:
        return self.book.ask

    @property
    def mid(self) -> float:
        book = self.book
        return (book.bid + book.ask) / 2

    def touch(self, side: int) -> int:
        """Where an order of this side would take at once."""
        return self.book.ask if side > 0 else self.book.bid
