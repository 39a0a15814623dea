"""Prove a recording of a venue without checksums: follow the numbers of its messages. No resync is assumed.

Binance: every symbol's updates must continue the snapshot fetched beside them, one after the other. Coinbase Advanced
Trade: every frame must have the next number. The Coinbase Exchange feed has no such numbers: its books are rebuilt, and
nothing about them is proven. After a fault a book is left as it last was proven, until a snapshot begins it anew.

It reads every form of recording that desk.run.captures knows. Each book is kept twice, by the readable path and by the
desk's own book (desk.run.twin); these venues' frames reach both through the decoder.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from desk.errors import DecodeError, FeedError, GapError
from desk.instrument import Instrument, split_key
from desk.io.frames import RecordedFrame
from desk.market.sequence import DiffChain, FrameCount
from desk.messages import BookUpdate, Message, Numbered, Side
from desk.run.captures import frames_of
from desk.run.twin import Twin, in_words, paths
from desk.wire.binance import BinanceCodec
from desk.wire.coinbase import CoinbaseCodec
from desk.wire.venues import WHOLE

LOOK = 200  # frames in which a venue must show itself


class Probe(msgspec.Struct, gc=False):
    """The keys by which a frame shows its venue."""

    stream: str | None = None
    e: str | None = None
    sequence_num: int | None = None
    product_id: str | None = None


class RestLine(msgspec.Struct, gc=False):
    """A recorded REST answer: with its symbol and the body apart, or the body alone."""

    symbol: str = ""
    body: Raw = Raw(b"")


_probe = msgspec.json.Decoder(Probe).decode
_rest = msgspec.json.Decoder(RestLine).decode


def venue_of(path: Path) -> str:
    """ "binance", "coinbase" or "coinbase exchange" by the first frames of a recording; "" for any other file."""
    try:
        return venue_among(itertools.islice(frames_of(path), LOOK))
    except FeedError:
        return ""


def venue_among(frames: Iterable[RecordedFrame]) -> str:
    """The same by the first of these frames that shows one."""
    return next((venue for frame in frames if frame.direction == "<" and (venue := _venue(frame.data))), "")


def _venue(raw: bytes) -> str:
    try:
        probe = _probe(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    if probe.sequence_num is not None:
        return "coinbase"
    if probe.stream is not None or probe.e is not None:
        return "binance"
    return "coinbase exchange" if probe.product_id is not None else ""


def verify_sequence(path: Path) -> dict[str, Any]:
    """What a recording proves, as plain data (the command's JSON).

    `messages` counts book messages; `numbered` those that carry a number, and `sequence_ok` those of them that followed
    what was before; `gaps` the others, the first at the 0-based `first_bad_line`; `crossed` the messages that left a
    book crossed; `timed` whether any frame has a time (without, they may be samples of several connections); `unproven`
    the book messages that nothing proves: held back after a fault, or without numbers.
    `final` holds the best level a side in wire text and the number of levels, for Binance with the updates applied.
    Raises FeedError when the file cannot be read or is of no venue known here.
    """
    venue = venue_of(path)
    if not venue:
        raise FeedError(
            f"{path}: no Binance or Coinbase frame in its first {LOOK}; is it a recording of another venue?"
        )
    proof: _Proof = _Binance() if venue == "binance" else _Coinbase(numbered=venue == "coinbase")
    frames, timed, problem = 0, False, ""
    try:
        for frame in frames_of(path):
            frames += 1
            timed = timed or frame.ts is not None
            if frame.direction != ">":
                proof.apply(frame)
    except FeedError as err:  # a file cut short is proven as far as it goes
        problem = str(err)
    proof.end()
    return {
        "file": path.name,
        "venue": venue,
        "frames": frames,
        "timed": timed,
        "messages": proof.messages,
        "numbered": proof.numbered,
        "sequence_ok": proof.ok,
        "gaps": len(proof.gaps),
        "first_gap": proof.gaps[0][1] if proof.gaps else "",
        "first_bad_line": proof.gaps[0][0] if proof.gaps else None,
        "crossed": proof.crossed,
        "unproven": proof.unproven,
        "undecodable": proof.undecodable,
        "problem": problem,
        "paths": paths(list(proof.books.values())),
        "final": proof.final(),
    }


class _Proof(ABC):
    """What both venues' proofs count."""

    def __init__(self, instruments: dict[str, Instrument]) -> None:
        self.instruments = instruments
        self.books: dict[str, Twin] = {}  # by instrument
        self.messages = self.numbered = self.ok = self.crossed = self.unproven = self.undecodable = 0
        self.gaps: list[tuple[int, str]] = []  # (line, words)

    def apply(self, frame: RecordedFrame) -> None:
        try:
            messages = self.decode(frame)
        except DecodeError:
            self.undecodable += 1
            return
        for message in messages:
            try:
                self.take(message)
            except GapError as err:
                self.gaps.append((frame.line, str(err)))

    @abstractmethod
    def decode(self, frame: RecordedFrame) -> list[Message]:
        """The messages of a frame or a REST answer."""

    @abstractmethod
    def take(self, message: Message) -> None:
        """Follow and rebuild; raises GapError."""

    def end(self) -> None:  # noqa: B027  # only a chain keeps something until the end
        """Nothing more will come."""

    def rebuild(self, update: BookUpdate) -> None:
        book = self.books.get(update.inst)
        if book is None:
            book = self.books[update.inst] = Twin("book", WHOLE)
        book.apply(update)
        self.crossed += book.book.crossed

    def final(self) -> dict[str, Any]:
        """By symbol, as the recording writes it."""
        made = {}
        for key, twin in self.books.items():
            symbol, _ = split_key(key)
            book = twin.book
            inst = self.instruments[symbol]
            bids, asks = (
                [[inst.px_text(px), inst.qty_text(qty)] for px, qty, _ in book.levels(side, 1)] for side in Side
            )
            made[symbol] = {
                **self.more(key),
                "best_bid": bids[0] if bids else None,
                "best_ask": asks[0] if asks else None,
                "levels": list(book.size()),
            }
        return made

    def more(self, key: str) -> dict[str, int]:
        return {}


def frame_messages(codec: BinanceCodec | CoinbaseCodec, frame: RecordedFrame) -> list[Message]:
    """The messages of a frame, or of a recorded REST answer: a book. Raises DecodeError as the codec does."""
    if frame.direction == "<":
        return codec.decode(frame.data)
    try:
        said = _rest(frame.data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as err:
        raise DecodeError(str(err), frame.data) from err
    symbol = codec.pairs.symbol(said.symbol.replace("/", ""))  # as its stream calls it
    symbol = symbol or next(iter(codec.instruments), "")  # a body alone: the stream has one symbol
    return codec.answer("depth", symbol, bytes(said.body) or frame.data)


class _Binance(_Proof):
    def __init__(self) -> None:
        self.codec = BinanceCodec()
        super().__init__(self.codec.instruments)
        self.chains: dict[str, DiffChain] = {}
        self.applied: dict[str, int] = {}
        self.diffs = 0

    def decode(self, frame: RecordedFrame) -> list[Message]:
        return frame_messages(self.codec, frame)

    def take(self, message: Message) -> None:
        if not isinstance(message, BookUpdate):
            return
        chain = self.chains.get(message.inst)
        if chain is None:
            chain = self.chains[message.inst] = DiffChain(message.inst)
        self.messages += 1
        self.numbered += 1
        self.diffs += not message.snapshot
        for update in chain.apply(message):
            self.rebuild(update)
            if not update.snapshot:
                self.applied[update.inst] = self.applied.get(update.inst, 0) + 1
        self.ok += 1

    def end(self) -> None:
        dropped = sum(chain.dropped for chain in self.chains.values())
        self.unproven = self.diffs - dropped - sum(self.applied.values())

    def more(self, key: str) -> dict[str, int]:
        return {"applied": self.applied.get(key, 0), "last_u": self.chains[key].last}


class _Coinbase(_Proof):
    def __init__(self, *, numbered: bool) -> None:
        self.codec = CoinbaseCodec()
        super().__init__(self.codec.instruments)
        self.count = FrameCount("coinbase") if numbered else None
        self.believed: set[str] = set()  # instruments whose book nothing contradicts

    def decode(self, frame: RecordedFrame) -> list[Message]:
        return self.codec.decode(frame.data)

    def take(self, message: Message) -> None:
        if isinstance(message, Numbered):
            self._follow(message)
        elif isinstance(message, BookUpdate):
            self.messages += 1
            if message.snapshot:
                self.believed.add(message.inst)
            if message.inst in self.believed:
                self.rebuild(message)
            if self.count is None or message.inst not in self.believed:
                self.unproven += 1

    def _follow(self, message: Numbered) -> None:
        if self.count is None:
            return
        if message.number == 0 and self.count.next > 1:  # another connection begins: its snapshots come again
            self.count = FrameCount("coinbase")
            self.believed.clear()
        self.numbered += 1
        try:
            self.count.apply(message)
        except GapError:
            self.believed.clear()
            raise
        self.ok += 1


def describe(result: dict[str, Any]) -> str:
    """The same for a person."""
    first = f", the first at line {result['first_bad_line']} ({result['first_gap']})" if result["gaps"] else ""
    lines = [
        f"{result['file']} ({result['venue']}): {result['messages']:,} book messages in {result['frames']:,} frames: "
        f"{result['sequence_ok']:,} of {result['numbered']:,} numbers right, {result['gaps']:,} gaps{first}; "
        f"{result['crossed']:,} crossed, {result['unproven']:,} unproven"
    ]
    lines.append(f"  {in_words(result['paths'])}")
    for name, book in result["final"].items():
        best = [" × ".join(book[side]) if book[side] else "empty" for side in ("best_bid", "best_ask")]
        lines.append(f"  {name}: bid {best[0]}, ask {best[1]}, levels {book['levels'][0]} and {book['levels'][1]}")
    return "\n".join(lines)
