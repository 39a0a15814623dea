"""desk/market/venue_time.py: what a measured clock allows, and how old a late frame is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from desk.market.venue_time import MILLI, ClockState, VenueTime

SECOND = 1_000 * MILLI


def ping(time: VenueTime, at: int, offset: int, way: int = 5 * MILLI) -> list[str]:
    """One round of `2·way`; the venue is `offset` ahead. The codes of what was said."""
    there = at + way + offset
    return [code for _, code, _ in time.pong(at, there, there, at + 2 * way)]


def update(offset: int, at: int, late: int, link: int = 0, since: int = 1) -> SimpleNamespace:
    """A book whose last update left the venue `late` before it came at `at`."""
    return SimpleNamespace(link=link, since=since, proof=at, ts_exch=at + offset - late)


@pytest.mark.parametrize(
    ("offset_ms", "state", "codes", "refused"),
    [
        (0, ClockState.GOOD, [], False),
        (-494, ClockState.GOOD, [], False),
        (497, ClockState.OFF, ["CLOCK_OFF"], False),  # ± 5 ms: it may be beyond 500
        (1_994, ClockState.OFF, ["CLOCK_OFF"], False),
        (-1_996, ClockState.WRONG, ["CLOCK_WRONG"], True),
        (3_600_000, ClockState.WRONG, ["CLOCK_WRONG"], True),
    ],
)
def test_half_a_second_warns_and_two_seconds_refuse(
    offset_ms: int, state: ClockState, codes: list[str], refused: bool
) -> None:
    """What counts is how far the clocks may be apart: the offset and its uncertainty."""
    time = VenueTime()
    assert ping(time, SECOND, offset_ms * MILLI) == codes
    assert (time.state, time.error_ns) == (state, abs(offset_ms * MILLI) + 5 * MILLI)
    assert bool(time.refusal) is refused


def test_an_unmeasured_clock_allows_no_private_call() -> None:
    time = VenueTime()
    assert "not measured" in time.refusal
    assert not time.beat([], SECOND)
    assert "not measured" in time.refusal


def test_a_clock_on_the_edge_does_not_chatter() -> None:
    """Said once when it is wrong, not for each step over the line, and once when it was set right."""
    time = VenueTime()
    said = []
    for second in range(1, 3_000):
        drifting = 2_000 + 50 * (second % 2) if second < 1_000 else 1_900 if second < 2_000 else 0
        said += ping(time, second * SECOND, drifting * MILLI)
    assert said == ["CLOCK_WRONG", "VENUE_CLOCK_JUMP", "CLOCK_OK"]


def test_an_update_is_as_old_as_the_venues_stamp_says() -> None:
    """The venue is 300 ms ahead: an update that took 20 s is 20 s old though it came this moment."""
    time = VenueTime()
    ping(time, 100 * SECOND, 300 * MILLI)
    now = 101 * SECOND
    prompt, late = update(300 * MILLI, now, 30 * MILLI), update(300 * MILLI, now, 20 * SECOND, link=1)
    time.beat([prompt, late], now)
    assert time.lag(prompt) == pytest.approx(30 * MILLI, abs=MILLI)
    assert time.lag(late) == pytest.approx(20 * SECOND, abs=MILLI)
    assert time.lags == {0: time.lag(prompt), 1: time.lag(late)}
    assert sorted(time.sampled) == sorted(time.lags.values())


def test_a_snapshot_of_a_quiet_pair_is_not_late() -> None:
    """It bears the time of its last change, which may be minutes ago."""
    time = VenueTime()
    ping(time, SECOND, 0)
    assert time.lag(update(0, 2 * SECOND, 300 * SECOND, since=2 * SECOND)) == 0


def test_without_a_ping_no_latency_is_claimed() -> None:
    """One-way times alone assume the way's length: they bound the offset, they are no measured latency."""
    time = VenueTime()
    time.beat([update(0, 2 * SECOND, 30 * MILLI)], 2 * SECOND)
    assert time.reading is not None
    assert (time.reading.source, time.sampled) == ("stream", [])


def test_each_update_is_evidence_once() -> None:
    """A quiet book's last update must not be sampled again at every beat."""
    time = VenueTime()
    ping(time, SECOND, 0)
    book = update(0, 2 * SECOND, 30 * MILLI)
    for now in (2 * SECOND, 3 * SECOND):
        time.beat([book], now)
    assert time.sampled == []


def test_after_a_jump_of_our_own_clock_nothing_measured_holds() -> None:
    time = VenueTime()
    ping(time, SECOND, 0)
    time.restart()
    assert (time.error_ns, time.state, time.lags) == (None, ClockState.UNKNOWN, {})


def test_a_jump_of_the_venues_clock_is_said() -> None:
    time = VenueTime()
    ping(time, SECOND, 0)
    assert ping(time, 2 * SECOND, 3_600 * SECOND) == ["VENUE_CLOCK_JUMP", "CLOCK_WRONG"]
