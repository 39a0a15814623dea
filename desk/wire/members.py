"""Gzip members that carry their own length: what a recording on disk is made of.

    file   = members, oldest first; any gzip reads it
    member = gzip header with an extra field "FR" (RFC 1952 2.3.1.1) | deflate data | crc32 u32 | length of the text u32
    field  = "FR" | 4 u16 | length of the whole member u32          little-endian, as in all of gzip

Each member holds whole lines. The length lets a reader see without unpacking whether the last member is whole: of a
writer that was killed, everything up to there is good.
"""

from __future__ import annotations

from mmap import mmap
from struct import Struct

from desk.deflate import FASTEST, RAW, DeflateError, compress, crc32, decompressobj

_FIXED = b"\x1f\x8b\x08\x04" + b"\0\0\0\0" + b"\x04\xff" + b"\x08\0" + b"FR\x04\0"  # no time: equal text, equal bytes
_LENGTH = Struct("<I")
_TAIL = Struct("<II")
HEAD = len(_FIXED) + _LENGTH.size
MAX_TEXT = 128 << 20  # bytes; no member of ours unpacks to more


def pack(text: bytes | memoryview) -> bytes:
    """The text as one member, made without the interpreter's lock.

    >>> unpack(pack(b"5\\t<\\t{}\\n"))
    b'5\\t<\\t{}\\n'
    """
    body = compress(text, FASTEST, RAW)
    length = HEAD + len(body) + _TAIL.size
    return b"".join((_FIXED, _LENGTH.pack(length), body, _TAIL.pack(crc32(text), len(text))))


def begins(head: bytes) -> bool:
    """Whether a file beginning so is made of such members; a beginning cut off inside its first header counts."""
    return head[: len(_FIXED)] == _FIXED[: len(head)]


def length(head: bytes) -> int | None:
    """The length of the member with this header (its first HEAD bytes), None when it is none of ours or cut off."""
    if len(head) < HEAD or not head.startswith(_FIXED):
        return None
    told: int = _LENGTH.unpack_from(head, len(_FIXED))[0]
    return told if told > HEAD + _TAIL.size else None


def unpack(member: bytes) -> bytes | None:
    """The text of one member, None unless every byte of it is proven by its length and checksum."""
    if length(member[:HEAD]) != len(member):
        return None
    crc, size = _TAIL.unpack_from(member, len(member) - _TAIL.size)
    unpacker = decompressobj(RAW)
    try:
        text = unpacker.decompress(member[HEAD : -_TAIL.size], min(size, MAX_TEXT) + 1)
    except DeflateError:
        return None
    return text if unpacker.eof and len(text) == size and crc32(text) == crc else None


def next_whole(data: bytes | mmap, at: int) -> int | None:
    """Where the next whole member at or after `at` begins, None when there is none."""
    while (at := data.find(_FIXED, at)) >= 0:
        told = length(data[at : at + HEAD])
        if told is not None and unpack(data[at : at + told]) is not None:
            return at
        at += 1
    return None
