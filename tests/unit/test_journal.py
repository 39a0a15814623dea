"""desk/journal.py and desk/io/journal.py: what is written is read back, a torn tail is cut, damage is never skipped."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from full_disk import full_disk
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.errors import JournalError
from desk.events import Ended, Fill, Frame, Start, Timer
from desk.handover import Handover
from desk.intents import Checkpoint, Place, Submit, Tell
from desk.io.journal import BACKLOG, JOURNAL, RESERVE, JournalWriter, read_session, unfinished
from desk.journal import EffectHash, Entry, encode, scan
from desk.messages import Side

ENTRIES = [
    Entry(1, Frame(1, 0, b'{"channel":"heartbeat"}'), []),
    Entry(2, Timer(2, "beat"), [Tell("info", "X", "words", 2)]),
    Entry(3, Fill(3, "p1", "o1", "BTC/USD@kraken", Side.SELL, 5, 6, Decimal("0.00000001"), maker=True), []),
    Entry(4, Ended(4, "o1", "filled"), [Submit("o2", Place("I", Side.BUY, 1, 2, because={"x": 0.1}), 4)]),
]
BYTES = b"".join(map(encode, ENTRIES))


def test_entries_come_back_as_they_were():
    """Exact decimals, sides and bytes included."""
    assert scan(BYTES) == (ENTRIES, len(BYTES))


@pytest.mark.parametrize("cut", range(1, len(encode(ENTRIES[-1]))))
def test_a_torn_tail_is_cut_at_every_byte(cut):
    """kill -9 can stop a write anywhere."""
    entries, end = scan(BYTES[:-cut])
    assert entries == ENTRIES[:-1]
    assert end == len(BYTES) - len(encode(ENTRIES[-1]))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(BYTES) - len(encode(ENTRIES[-1])) - 1), st.integers(1, 255))
def test_damage_before_the_last_record_is_refused(at, flip):
    """A flipped bit in the middle must never be skipped silently."""
    broken = bytearray(BYTES)
    broken[at] ^= flip
    with pytest.raises(JournalError, match="damaged at byte"):
        scan(bytes(broken))


def test_a_session_is_written_and_read_with_its_hash(tmp_path):
    """The hash in the summary is that of the effects in the file."""
    writer = JournalWriter(tmp_path / "s")
    for entry in ENTRIES:
        writer.append(entry.seq, entry.event, entry.effects)
    assert writer.flush(sync=True)
    writer.close({"effect_hash": writer.effect_hash})
    entries, torn, said = read_session(tmp_path / "s")
    assert (entries, torn, said["effect_hash"]) == (ENTRIES, 0, writer.effect_hash)


ROOM = 2_000  # of the reserve in these tests
LONG = Frame(1, 0, b"x" * (2 * ROOM))


def broken_writer(folder):
    """A journal with one entry, on a disk that is full from here on; its reserve lies below the limit."""
    writer = JournalWriter(folder, ROOM)
    writer.append(1, LONG, [])
    assert writer.flush()
    return writer, os.path.getsize(folder / JOURNAL) + 10


def test_a_journal_on_a_full_disk_continues_without_a_hole_when_there_is_space(tmp_path):
    """F1: nothing that waited is lost, and the hash is that of the file."""
    writer, size = broken_writer(tmp_path / "s")
    with full_disk(size):
        for entry in ENTRIES[1:3]:
            writer.append(entry.seq, entry.event, entry.effects)
        assert not writer.flush()
        assert "no new orders until there is space" in writer.broken
        assert os.path.getsize(tmp_path / "s" / JOURNAL) == size - 10  # whole records only
    assert writer.flush()
    assert writer.broken == ""
    writer.append(4, ENTRIES[3].event, ENTRIES[3].effects)
    writer.close({"effect_hash": writer.effect_hash})
    entries, torn, _ = read_session(tmp_path / "s")
    assert (entries[1:], torn) == (ENTRIES[1:], 0)
    hashed = EffectHash()
    for entry in entries:
        hashed.add(entry.seq, entry.effects)
    assert hashed.hex() == writer.effect_hash


@pytest.mark.parametrize("room", [0, 7, len(BYTES) // 2, len(BYTES) - 1])
def test_a_disk_that_takes_a_part_keeps_whole_records_and_the_rest_waits(tmp_path, room):
    """Each entry is in the file once, whatever the disk took before it was full."""
    writer, size = broken_writer(tmp_path / "s")
    with full_disk(size - 10 + room):
        for entry in ENTRIES:
            writer.append(entry.seq + 1, entry.event, entry.effects)
        assert not writer.flush()
        held, end = scan((tmp_path / "s" / JOURNAL).read_bytes())
    assert end == os.path.getsize(tmp_path / "s" / JOURNAL) <= size - 10 + room
    assert writer.seq == held[-1].seq
    hashed = EffectHash()
    for entry in held:
        hashed.add(entry.seq, entry.effects)
    assert hashed.hex() == writer.effect_hash
    assert writer.flush()
    assert [entry.seq for entry in read_session(tmp_path / "s")[0]] == [1, 2, 3, 4, 5]
    writer.close({})


def test_what_matters_survives_a_crash_on_a_full_disk_in_the_reserve(tmp_path):
    """Fills and exits are on the disk before anything follows from them; the market's frames are not."""
    writer, size = broken_writer(tmp_path / "s")
    with full_disk(size):
        writer.append(2, Frame(2, 0, b"y" * ROOM), [])
        for entry in ENTRIES[2:]:
            writer.append(entry.seq, entry.event, entry.effects)
            assert not writer.flush()
            assert writer.spare()
    writer._close()  # as a kill would
    entries, _, _ = read_session(tmp_path / "s")
    assert entries[1:] == ENTRIES[2:]
    assert unfinished(tmp_path / "s").entries == 3


def test_a_reserve_that_is_full_says_so(tmp_path):
    """Then not even an exit may leave unrecorded."""
    writer, size = broken_writer(tmp_path / "s")
    with full_disk(size):
        for number in range(2, 60):
            writer.append(number, ENTRIES[2].event, [])
            assert not writer.flush()
            if not writer.spare():
                break
        assert 10 < number < 59
    assert writer.flush()
    assert (tmp_path / "s" / RESERVE).read_bytes() == bytes(ROOM)  # free for the next time


def test_too_long_a_wait_drops_the_market_and_counts_the_hole(tmp_path):
    """Memory is bounded; fills are not dropped."""
    writer, size = broken_writer(tmp_path / "s")
    with full_disk(size):
        writer.append(2, LONG, [])
        assert not writer.flush()
        big = Frame(3, 0, bytes(BACKLOG // 3))
        for number in range(3, 8):
            writer.append(number, big, [])
        writer.append(8, ENTRIES[2].event, [])
    assert writer.lost > 0
    assert writer.flush()
    writer.close({})
    numbers = [entry.seq for entry in read_session(tmp_path / "s")[0]]
    assert numbers[-1] == 8
    assert len(numbers) == 8 - writer.lost


def test_a_dead_session_is_read_from_its_last_checkpoint_and_its_torn_tail_is_cut(tmp_path):
    """The rest is proven by its checksums, not decoded."""
    writer = JournalWriter(tmp_path / "s")
    start = Start(1, "m", "f", "v", (), "", "", 0, "", (), "a1")
    writer.append(1, start, [])
    for number in range(2, 100):
        effects = [Checkpoint("hash", Handover({}, {}, fills=number), number)] if number % 30 == 0 else []
        writer.append(number, Timer(number, "beat"), effects)
    writer.flush()
    assert unfinished(tmp_path / "s") is None  # its process still runs: this one
    writer._close()
    with (tmp_path / "s" / JOURNAL).open("ab") as file:
        file.write(b"\x07\0\0\0torn")
    left = unfinished(tmp_path / "s")
    assert (left.first.event, left.entries, left.torn) == (start, 99, 8)
    assert [entry.seq for entry in left.last] == list(range(90, 100))
    assert left.last[0].effects[0].handover.fills == 90
    assert unfinished(tmp_path / "s").torn == 0


def test_a_folder_that_cannot_be_made_is_named_with_the_fix(tmp_path):
    """One line: which folder, why, what to do."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match=r"journal\.dir"):
        JournalWriter(tmp_path / "file" / "s")


def test_something_else_than_a_session_is_named(tmp_path):
    """Missing, empty or foreign files."""
    with pytest.raises(JournalError, match="cannot be read"):
        read_session(tmp_path / "nothing")
    (tmp_path / JOURNAL).write_bytes(b"not a journal at all, but long enough to be looked at")
    with pytest.raises(JournalError, match="no journal entry"):
        read_session(tmp_path)
