"""The markets as the engine watches them: frames in, what changed out; books proven, bars closed, scores computed.

One `Watch` per run. It owns the codec, every instrument's `Market`, and the latest order-book score of every book that
may be believed; a score disappears with the belief.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from desk.errors import DecodeError, GapError
from desk.events import Answer, Frame, Unanswered
from desk.instrument import Instrument
from desk.kernels.calm import CALM, FULL, MOVED, RESTING
from desk.kernels.rush import CANDLE, HEARTBEAT, ROUTE_BITS
from desk.kernels.trade_frame import PRINTED
from desk.market.numbered import TRACKS, CountedTrack
from desk.market.record import FOREVER
from desk.market.seen import Ask, BookChanged, Word
from desk.market.sequence import FrameCount
from desk.market.state import RESCALED, STALL, BookState, Fault, Market, Track
from desk.market.venue_time import VenueTime
from desk.messages import (
    Ack,
    BookUpdate,
    Candle,
    Candles,
    Instruments,
    LinkSpec,
    Message,
    Numbered,
    OrdersUpdate,
    Pong,
    Subscription,
    Ticker,
    Trades,
    VenueStatus,
)
from desk.signals.care import Care
from desk.signals.live_score import LiveScore, Scores
from desk.signals.paths import NOTHING, PRINTS, RESTED, Path, Seen
from desk.signals.rush import SAID_BITS, Rush
from desk.signals.shape import ScoreFn
from desk.signals.subscriptions import Subscriptions
from desk.signals.tape import Tape
from desk.wire.codec import Codec
from desk.wire.ping import sent_at

SYNCED = BookState.SYNCED


class Watch:
    """What the desk knows of its markets, kept by one writer."""

    def __init__(
        self, venue: str, links: tuple[LinkSpec, ...], codec: Codec, score: ScoreFn, spread_ref_bps: Mapping[str, float]
    ) -> None:
        self.venue, self.links, self.codec = venue, links, codec
        self.score, self._spread_ref_bps = score, spread_ref_bps
        self.markets: dict[str, Market] = {}
        self.instruments: dict[str, Instrument] = {}
        self.live: dict[str, LiveScore] = {}
        self.scores = Scores(self.live)
        self.heard: dict[int, int] = {}
        self.time = VenueTime()
        self.subscriptions = Subscriptions(venue, links, self.markets)
        self.bad_frames = 0
        self.frames = 0
        self.rested = ""  # the instrument of the last RESTED
        self.rushed = Rush(self._told)
        self.tape = Tape(self.markets)
        self.care = Care(venue, self.markets, self.heard)
        self._moves: dict[str, list[Seen]] = {}  # what a book that only moved answers, made once; nobody changes it
        self._counts: dict[int, FrameCount] = {}  # by link, where a venue numbers its frames
        for number, link in enumerate(links):
            for sub in link.wanted:
                if sub.symbol:
                    self._adopt(sub, number)
        self._one, self._routes, self._paths = self.rushed.one, self.rushed.address, self.rushed.paths
        self._on: dict[type, Callable[[Any, int, int], list[Seen]]] = {
            BookUpdate: self._book,
            OrdersUpdate: self._book,
            Trades: self.tape.trades,
            Ticker: self.tape.ticker,
            Candles: self._candles,
            Instruments: self._instruments,
            VenueStatus: self._status,
            Ack: self._ack,
            Pong: self._pong,
            Numbered: self._numbered,
        }

    def _adopt(self, sub: Subscription, link: int) -> None:
        inst = f"{sub.symbol}@{self.venue}"
        market = self.markets.get(inst)
        if market is None:
            market = self.markets[inst] = Market(inst)
            market.heard, market.time = self.heard, self.time
            market.trade_frames.scan_in(self.tape.work)
            default = self._spread_ref_bps.get(sub.symbol, self._spread_ref_bps["*"])
            self.live[inst] = LiveScore(market, self.score, default, self.codec.proof == "checksum")
            self._moves[inst] = [BookChanged(inst)]
        self.care.adopt(sub, link, market)
        if sub.channel in ("book", "level3"):
            track = TRACKS.get(self.codec.proof, Track)(inst, sub.channel, link, sub.depth)
            market.tracks[sub.channel] = track
            self.rushed.add(sub.channel, sub.symbol, Path(track.record.address, market, track, self._moves[inst]))
        elif sub.channel == "trade":
            self.rushed.add(sub.channel, sub.symbol, Path(market.trade_frames.address, market, None, NOTHING))

    # --- what arrives

    def frame(self, event: Frame) -> list[Seen]:
        """Everything one frame changed, in order."""
        data, now = event.data, event.ts
        self.frames += 1
        self.heard[event.link] = now
        said = self._one(self._routes, id(data), now) if type(data) is bytes else 0
        if said:
            return self._told(self._paths[said >> ROUTE_BITS], said & SAID_BITS, now)
        if data == HEARTBEAT or data.startswith(CANDLE):
            return NOTHING
        try:
            messages = self.codec.decode(data)
        except DecodeError as err:
            self.bad_frames += 1
            return [Word("warn", "BAD_FRAME", f"frame {self.frames} kept, not understood: {err.why[:160]}")]
        return self._take(messages, now, event.link)

    def _told(self, path: Path, said: int, now: int) -> list[Seen]:
        """What a frame answers that a kernel took, in the bits of desk.kernels.calm and trade_frame."""
        _, market, track, moved = path
        if said & CALM:
            if said & FULL:
                market.touches.make_room()
            if said & RESTING:
                self.rested = market.inst
                return RESTED
            if said & PRINTED:
                self.tape.taken(market, said, now)
                return PRINTS
            return moved if said & MOVED else NOTHING
        assert track is not None  # a frame of trades is calm, or not taken
        return self._moved(market, track, track.prove(now), now)

    def rush(self, frames: list[bytes], begin: int, link: int, now: int, *, alone: bool) -> int:
        """`frame` for each of these that came in one read, while it leads to nothing: see desk.signals.rush."""
        self.heard[link] = now
        taken = self.rushed.take(id(frames), begin, now, alone=alone)
        self.frames += taken + (self.rushed.left is not None)
        return taken

    def answer(self, event: Answer) -> list[Seen]:
        """What a REST answer changed."""
        try:
            messages = self.codec.answer(event.call, event.symbol, event.data)
        except DecodeError as err:
            return self.unanswered(Unanswered(event.ts, event.call, event.symbol, err.why[:200]))
        if event.call in ("OHLC", "depth"):
            return self._take(messages, event.ts, 0)
        return self._cared(self.care.answered(event.symbol, messages, event.ts))

    def unanswered(self, event: Unanswered) -> list[Seen]:
        """A REST question led to nothing."""
        said = self.care.unanswered(event.call, event.symbol, event.why, event.ts)
        return self._cared(said) if said is not None else [Word("warn", "BAD_ANSWER", f"REST: {event.why}")]

    def _cared(self, seen: list[Candle | Word | Ask | Fault]) -> list[Seen]:
        """What the care for tapes and depths led to; a book that failed an audit loses its score first."""
        made: list[Seen] = []
        for each in seen:
            if isinstance(each, Fault):
                self._forget_score(self.markets[each.inst].tracks[each.channel])
                made.append(Word("warn", "BOOK_SUSPECT", f"{each.inst} {each.channel}: {each.why}"))
            made.append(each)
        return made

    def _take(self, messages: list[Message], now: int, link: int) -> list[Seen]:
        seen: list[Seen] = []
        for message in messages:
            handler = self._on.get(type(message))
            if handler is not None:
                seen += handler(message, now, link)
        return seen

    def link_up(self, link: int, now: int) -> list[Seen]:
        """A connection is open: its books wait for their snapshots."""
        self.heard[link] = now
        self._counts.pop(link, None)
        self.subscriptions.up(link, now)
        for track in self._tracks(link):
            track.connected(now)
        self.care.link_up(link, now)
        return [Word("info", "LINK_UP", f"{self.links[link].name}: connected")]

    def link_down(self, link: int, why: str, now: int) -> list[Seen]:
        """A connection is gone: nothing it fed may be believed."""
        for track in self._tracks(link):
            track.disconnected(why, now)
            self._forget_score(track)
        self.subscriptions.down(link)
        self.care.link_down(link, now)
        return [Word("warn", "LINK_DOWN", f"{self.links[link].name}: {why}")]

    def beat(self, now: int) -> list[Seen]:
        """A few times a second: the venue's clock, bars ours closes, samples, what to ask for, what never came."""
        tracks = [track for market in self.markets.values() for track in market.tracks.values()]
        seen: list[Seen] = [Word(*said) for said in self.time.beat(tracks, now)]
        seen += self.subscriptions.beat(now)
        seen += self._cared(self.care.beat(now))
        for live in self.live.values():
            live.beat(now)
        for market in self.markets.values():
            if market.contradicted and now - market.contradicted >= STALL and (stalled := market.track) is not None:
                market.contradicted = 0
                self._forget_score(stalled)
                why = "BOOK CHANNEL STALLED: trades or the ticker contradict it, and it does not move"
                seen.append(Fault(stalled.inst, stalled.channel, stalled.link, why))
            for track in market.tracks.values():
                if track.overdue(now):
                    seen.append(Fault(track.inst, track.channel, track.link, "the snapshot did not come within 10 s"))
        return seen

    def resyncing(self, fault: Fault, now: int) -> str:
        """Another snapshot of this book is asked for: by the REST call that is returned, "" by subscribing again."""
        track = self.markets[fault.inst].tracks[fault.channel]
        track.resubscribed(fault.why, now)
        self._forget_score(track)
        return track.remedy

    # --- messages

    def _book(self, update: BookUpdate | OrdersUpdate, now: int, link: int) -> list[Seen]:
        market = self.markets.get(update.inst)
        track = market.tracks.get("book" if isinstance(update, BookUpdate) else "level3") if market else None
        if market is None or track is None:
            return []
        refused = track.early + track.stale
        fault = track.apply(update, now)
        if track.early + track.stale > refused and update.snapshot:
            text = f"{update.inst} {track.book.tier}: a snapshot of an earlier subscription or time is not used"
            return [Word("warn", "STALE_SNAPSHOT", text)]
        seen = self._moved(market, track, fault, now)
        return [*seen, Ask(call, market.inst)] if (call := track.wants()) else seen

    def _numbered(self, message: Numbered, now: int, link: int) -> list[Seen]:
        """A frame's number; one that does not follow puts every book of its connection in doubt."""
        try:
            self._counts.setdefault(link, FrameCount(self.links[link].name)).apply(message)
        except GapError as err:
            seen: list[Seen] = []
            for track in self._tracks(link):
                if isinstance(track, CountedTrack) and (fault := track.lost(str(err), now)) is not None:
                    seen += self._moved(self.markets[track.inst], track, fault, now)
            return seen
        return []

    def _moved(self, market: Market, track: Track, fault: Fault | None, now: int) -> list[Seen]:
        if fault is not None:
            self._forget_score(track)
            return [Word("warn", "BOOK_SUSPECT", f"{market.inst} {track.book.tier}: {fault.why}"), fault]
        market.contradicted = 0
        if market.track is track and track.state is SYNCED:
            self.live[market.inst].rescore(track, now)
            return self._moves[market.inst]
        if track.state is SYNCED and not track.crossed:
            track.record.until = FOREVER  # nobody looks at this one
        return []

    def _forget_score(self, track: Track) -> None:
        market, score = self.markets[track.inst], self.scores.get(track.inst)
        if market.track is track or market.why or (score is not None and score.tier == track.book.tier):
            self.live[track.inst].forget(market.why or "BOOK_NOT_SYNCED")

    def _candles(self, message: Candles, now: int, link: int) -> list[Seen]:
        if message.snapshot:
            for inst in dict.fromkeys(candle.inst for candle in message.candles):
                if market := self.markets.get(inst):
                    market.bars.seed(message.candles, keep=market.repair.opened > 0)
                    self.live[inst].unsettle()
        return []  # updates, of a venue where they are decoded, repeat what the tape says; our bars come from there

    def _instruments(self, message: Instruments, now: int, link: int) -> list[Seen]:
        seen: list[Seen] = []
        for instrument in message.instruments:
            market = self.markets.get(instrument.key)
            if market is None:
                continue
            old, market.instrument = market.instrument, instrument
            self.instruments[instrument.key] = instrument
            self.live[instrument.key].unsettle()
            for track in market.tracks.values():
                track.describe(instrument)
            market.trade_frames.describe(None if market.barred == RESCALED else instrument)
            if old is None:
                continue
            if old.status != instrument.status:
                text = f"{instrument.key}: {old.status} → {instrument.status}"
                seen.append(Word("warn", "INSTRUMENT_STATUS", text))
            if (old.px_decimals, old.qty_decimals) != (instrument.px_decimals, instrument.qty_decimals):
                market.barred = RESCALED  # positions, bars and indicators are in the old ticks and lots
                market.trade_frames.describe(None)
                text = (
                    f"{instrument.key}: price decimals {old.px_decimals} → {instrument.px_decimals}, quantity decimals "
                    f"{old.qty_decimals} → {instrument.qty_decimals}; not traded until the next start"
                )
                seen.append(Word("alarm", RESCALED, text))
                why = "INSTRUMENT CHANGED: other decimals"  # scaled with the old ones: worthless
                seen += [Fault(t.inst, t.channel, t.link, why) for t in market.tracks.values()]
        return seen

    def _status(self, message: VenueStatus, now: int, link: int) -> list[Seen]:
        before = next((market.venue_status for market in self.markets.values()), "unknown")
        for market in self.markets.values():
            market.venue_status = message.system
            self.live[market.inst].unsettle()
        if before in (message.system, "unknown"):
            return []
        return [Word("warn", "VENUE_STATUS", f"{self.venue}: {before} → {message.system}")]

    def _ack(self, ack: Ack, now: int, link: int) -> list[Seen]:
        market = self.markets.get(f"{ack.symbol}@{self.venue}")
        refused = self.subscriptions.refused(ack, link)
        seen: list[Seen] = [*self.subscriptions.ack(ack, link)]
        if market is None or ack.method != "subscribe":
            return seen
        for track in [t for t in market.tracks.values() if t.link == link]:
            if track.channel in refused:
                track.become(BookState.DOWN, f"refused: {ack.error}", now)
                self._forget_score(track)
            elif ack.success and track.channel == ack.channel:
                if ack.depth:
                    track.book.depth = ack.depth
                track.acknowledged()
                if track.state is not SYNCED and not track.due:
                    track.become(BookState.SNAPSHOT_WAIT, "waiting for the snapshot", now)
                if call := track.wants():
                    seen.append(Ask(call, track.inst))
        return seen

    def _pong(self, pong: Pong, now: int, link: int) -> list[Seen]:
        sent = sent_at(pong.req_id, now)
        if sent is None or not (pong.time_in and pong.time_out):
            return []  # not a ping of ours, or a venue that does not say its time
        words: list[Seen] = [Word(*said) for said in self.time.pong(sent, pong.time_in, pong.time_out, now)]
        self.rouse()  # lags are others now
        return words

    def rouse(self) -> None:
        """Every strategy looks at its next frame."""
        for live in self.live.values():
            live.rouse()

    def _tracks(self, link: int) -> list[Track]:
        return [t for market in self.markets.values() for t in market.tracks.values() if t.link == link]
