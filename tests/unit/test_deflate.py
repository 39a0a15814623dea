"""desk/deflate.py: whichever library packs, the file is gzip's and the checksum is zlib's."""

from __future__ import annotations

import gzip
import random
import zlib

from hypothesis import given
from hypothesis import strategies as st

from desk import deflate
from desk.wire import members

DICE = random.Random(7)
TEXT = b"".join(b'%d\t<\t{"channel":"book","x":%d}\n' % (i, DICE.randrange(10**9)) for i in range(20))


@given(st.binary(max_size=5_000))
def test_what_one_library_packs_every_other_unpacks(text: bytes) -> None:
    """A recording is read where the fast library is missing, by zcat and by ourselves."""
    assert zlib.decompress(deflate.compress(text, deflate.FASTEST, deflate.RAW), deflate.RAW) == text
    assert deflate.decompressobj(deflate.RAW).decompress(zlib.compress(text, 9, wbits=deflate.RAW)) == text
    assert deflate.crc32(text) == zlib.crc32(text)
    assert gzip.decompress(members.pack(text)) == text == members.unpack(members.pack(text))


def test_a_damaged_member_gives_its_text_or_nothing() -> None:
    """At every bit and every cut: no other text, and no error that the reader does not expect."""
    whole = members.pack(TEXT)
    assert len(whole) < len(TEXT)
    kept = 0
    for at in range(len(whole) * 8):
        broken = bytearray(whole)
        broken[at // 8] ^= 1 << at % 8
        found = members.unpack(bytes(broken))
        assert found in (None, TEXT), at
        kept += found is not None
    assert kept < 64  # bits that mean nothing: of the header, and behind the end of the deflate data
    assert all(members.unpack(whole[:cut]) is None for cut in range(len(whole)))
