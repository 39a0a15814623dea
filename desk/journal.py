"""The journal's bytes: one entry per event with its effects, in records that prove themselves.

    file   = records, oldest first
    record = length u32 | crc32 u32 | payload           little-endian; both numbers are of the payload
    payload = msgpack of Entry(seq, event, effects)

A record whose length runs past the end, or whose checksum fails with nothing valid after it, is a torn tail: what a
crash left half-written, and safe to cut. A damaged record with valid ones after it is corruption: refused, never
skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from itertools import pairwise
from mmap import mmap
from struct import Struct

import msgspec

from desk.deflate import crc32
from desk.errors import JournalError
from desk.events import Event
from desk.intents import Checkpoint, Effect

_HEAD = Struct("<II")
MAX_RECORD = 64 << 20
Buffer = bytes | bytearray | mmap
PROGRESS = 16 << 20  # bytes between two words of how far a long reading is


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What happened, and what the engine answered."""

    seq: int
    event: Event
    effects: list[Effect]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


def add_record(out: bytearray, entry: Entry | tuple[int, Event, list[Effect]]) -> None:
    """Add one entry as one record to the end of `out`; a tuple gives the bytes that an Entry does, a tenth sooner."""
    payload = _encoder.encode(entry)
    out += _HEAD.pack(len(payload), crc32(payload))
    out += payload


def encode(entry: Entry | tuple[int, Event, list[Effect]]) -> bytes:
    """One entry as one record.

    >>> from desk.events import Timer
    >>> encode((7, Timer(1, "beat"), [])) == encode(Entry(7, Timer(1, "beat"), []))
    True
    """
    out = bytearray()
    add_record(out, entry)
    return bytes(out)


def scan(data: Buffer, name: str = "journal") -> tuple[list[Entry], int]:
    """Every entry of a journal's bytes, and where its torn tail begins (the length of the data when there is none).

    Raises JournalError with the offset when a damaged record is followed by a valid one.
    """
    ends, end = records(data, name)
    return [entry_at(data, at, to, name) for at, to in pairwise([0, *ends])], end


def records(data: Buffer, name: str = "journal") -> tuple[list[int], int]:
    """Where each record ends, every checksum proven, and where the torn tail begins. Raises like `scan`."""
    ends, at, head, size = [], 0, _HEAD.size, len(data)
    with memoryview(data) as view:  # `_whole`, written out: a long session has a million records
        while at + head <= size:
            length, crc = _HEAD.unpack_from(view, at)
            end = at + head + length
            if not 0 < length <= MAX_RECORD or end > size or crc32(view[at + head : end]) != crc:
                break
            ends.append(end)
            at = end
    if at < len(data) and (valid := _later_record(data, at + 1)) is not None:
        raise JournalError(f"{name}: damaged at byte {at}, but a valid record follows at byte {valid}: not a torn tail")
    return ends, at


def entry_at(data: Buffer, at: int, end: int, name: str = "journal") -> Entry:
    """The entry of the record between two offsets. Raises JournalError when it is of another version."""
    try:
        return _decoder.decode(data[at + _HEAD.size : end])
    except msgspec.MsgspecError as err:
        raise JournalError(f"{name}: the record at byte {at} is whole, but not of this version: {err}") from err


def last_whole(data: Buffer, size: int) -> tuple[int, int]:
    """Where the last record begins and ends that the first `size` bytes of good records hold whole; (0, 0) for none."""
    begin = end = 0
    while end + _HEAD.size <= size:
        after = end + _HEAD.size + _HEAD.unpack_from(data, end)[0]
        if after > size:
            break
        begin, end = end, after
    return begin, end


def first_entry(data: Buffer) -> Entry | None:
    """The first entry alone; None when it is not whole, or of another version."""
    end = _whole(data, 0)
    try:
        return entry_at(data, 0, end) if end is not None else None
    except JournalError:
        return None


def since_checkpoint(data: Buffer, ends: list[int], name: str = "journal") -> list[Entry]:
    """The last entry with a checkpoint and all after it, reading backwards: a long session is not decoded whole."""
    found: list[Entry] = []
    for at, end in pairwise(reversed([0, *ends])):
        entry = entry_at(data, end, at, name)
        found.append(entry)
        if any(isinstance(effect, Checkpoint) for effect in entry.effects):
            break
    return found[::-1]


def _whole(data: Buffer, at: int) -> int | None:
    """Where the record at `at` ends, or None when there is no whole one."""
    if at + _HEAD.size > len(data):
        return None
    length, crc = _HEAD.unpack_from(data, at)
    end: int = at + _HEAD.size + length
    if not 0 < length <= MAX_RECORD or end > len(data) or crc32(data[at + _HEAD.size : end]) != crc:
        return None
    return end


def _later_record(data: Buffer, at: int) -> int | None:
    """The offset of a whole record at or after `at`: looked for byte by byte, because a length may be damaged."""
    for offset in range(at, len(data) - _HEAD.size):
        if _whole(data, offset) is not None:
            return offset
    return None


class EffectHash:
    """blake2b over every entry's effects with their sequence numbers: equal hashes, equal decisions."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)

    def add(self, seq: int, effects: list[Effect]) -> None:
        if effects:
            self._hash.update(_encoder.encode((seq, effects)))

    def hex(self) -> str:
        return self._hash.hexdigest()


def same(a: list[Effect], b: list[Effect]) -> bool:
    """Whether two answers are equal, byte for byte."""
    return _encoder.encode(a) == _encoder.encode(b)


class _Head(msgspec.Struct, array_like=True):
    """An entry whose event and effects were stepped over, not read."""

    seq: int
    event: msgspec.Raw
    effects: msgspec.Raw


_head = msgspec.msgpack.Decoder(_Head)
_NOTHING = b"\x90"  # no effects
_QUIET = (b"frame", b"timer", b"answer")  # events that tell a fold nothing when they had no effect


def telling(
    data: Buffer,
    name: str = "journal",
    everything: bool = False,
    progress: Callable[[float], None] = lambda share: None,
) -> Iterator[Entry]:
    """Every entry that says something: with effects, or of an event that is neither market data nor time.

    What folds of orders, signals and refusals need, at about 2 µs an entry: the others are proven, not decoded, unless
    `everything` is wanted. Ends at a torn tail, as of a session that is running. `progress` hears 0..1 every 16 MB.
    Raises JournalError like `scan`.
    """
    at = heard = 0
    while (end := _whole(data, at)) is not None:
        payload = data[at + _HEAD.size : end]
        try:
            head = _head.decode(payload)
            quiet = not everything and bytes(head.effects) == _NOTHING and bytes(head.event)[7:14].startswith(_QUIET)
            if not quiet:
                yield _decoder.decode(payload)
        except msgspec.MsgspecError as err:
            raise JournalError(f"{name}: the record at byte {at} is whole, but not of this version: {err}") from err
        at = end
        if at - heard > PROGRESS:
            heard = at
            progress(at / len(data))
    if at < len(data) and (valid := _later_record(data, at + 1)) is not None:
        raise JournalError(f"{name}: damaged at byte {at}, but a valid record follows at byte {valid}: not a torn tail")
