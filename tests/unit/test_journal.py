"""desk/journal.py and desk/io/journal.py: what is written is read back, a torn tail is cut, damage is never skipped."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.errors import JournalError
from desk.events import Ended, Fill, Frame, Timer
from desk.intents import Place, Submit, Tell
from desk.io.journal import JOURNAL, JournalWriter, read_session
from desk.journal import Entry, encode, scan
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


def test_a_full_disk_breaks_the_journal_and_keeps_what_was_written(tmp_path):
    """No order may leave after that; everything before stays readable."""
    resource = pytest.importorskip("resource", reason="needs RLIMIT_FSIZE")
    import signal

    writer = JournalWriter(tmp_path / "s")
    writer.append(1, ENTRIES[0].event, [])
    assert writer.flush()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(tmp_path / "s" / JOURNAL) + 10, before[1]))
        writer.append(2, ENTRIES[1].event, ENTRIES[1].effects)
        assert not writer.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "no new orders" in writer.broken
    assert scan((tmp_path / "s" / JOURNAL).read_bytes())[0] == ENTRIES[:1]


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
