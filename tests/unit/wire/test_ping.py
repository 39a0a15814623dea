"""desk/wire/ping.py: a ping's number names the moment it was sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_venue import pong
from desk.wire.ping import LONGEST, WRAP, ping_number, sent_at

NOW = st.integers(0, 4_000_000_000 * 10**9)


@given(NOW, st.integers(0, LONGEST - 1_000))
def test_any_answer_within_a_minute_names_its_pings_send_time(sent: int, took: int) -> None:
    """To the microsecond, across every wrap of the number."""
    assert sent_at(ping_number(sent), sent + took) == sent // 1_000 * 1_000


@given(NOW, st.integers(-WRAP, 2 * WRAP))
def test_a_foreign_number_is_no_ping_of_the_last_minute(ts: int, number: int) -> None:
    found = sent_at(number, ts)
    assert found is None or (ts - LONGEST <= found <= ts and ping_number(found) == number)


def test_the_answer_of_the_venue_carries_its_times() -> None:
    """Breaks: the pong is read, and its stamps are not."""
    (said,) = KrakenCodec().decode(pong(101, 1_000, 2_000))
    assert (said.req_id, said.time_in, said.time_out) == (101, 1_000, 2_000)
