"""desk/run/schedule.py: every slot exactly once per local day, across DST both ways, sleep, restarts and failures."""

from __future__ import annotations

import io
import zoneinfo
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from desk.errors import ConfigError
from desk.run.schedule import DailyRuns, Due, baseline, due, moment, next_moment, zone_of
from desk.run.stages import Stages

TIMES = {"morning": "09:00", "evening": "21:00"}
MINUTE = 60 * 10**9
SPRINGS = [("Europe/Berlin", "2026-03-29"), ("America/New_York", "2026-03-08"), ("Australia/Lord_Howe", "2026-10-04")]
AUTUMNS = [("Europe/Berlin", "2026-10-25"), ("America/New_York", "2026-11-01"), ("Australia/Lord_Howe", "2026-04-05")]


def at(text: str, zone: str) -> int:
    """A local time as ns."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zoneinfo.ZoneInfo(zone)).timestamp()) * 10**9


def runs(zone: str, times: dict[str, str], first: str, days: int, step_s: int = 30) -> list[tuple[str, str]]:
    """(run id, local time) of everything that runs when `due` is asked every `step_s`, starting at local midnight."""
    z = zoneinfo.ZoneInfo(zone)
    now = at(f"{first}T00:00", zone)
    end = now + days * 24 * 60 * MINUTE
    last = baseline(now - MINUTE, times, z)
    out = []
    while now < end:
        if found := due(last, now, times, z):
            last |= found.served
            out.append((found.run_id, datetime.fromtimestamp(now // 10**9, z).strftime("%H:%M")))
            assert found.missed == ()
        now += step_s * 10**9
    return out


@pytest.mark.parametrize(("zone", "day"), SPRINGS + AUTUMNS)
@pytest.mark.parametrize("clock", ["00:30", "01:30", "02:15", "02:30", "03:00", "09:00", "23:59"])
def test_each_day_around_a_clock_change_has_exactly_one_run(zone: str, day: str, clock: str) -> None:
    """The morning report must neither be lost in the missing hour nor come twice in the repeated one."""
    first = (datetime.fromisoformat(day) - timedelta(days=1)).date()
    got = runs(zone, {"morning": clock}, first.isoformat(), 3)
    want = [f"{(first + timedelta(days=i)).isoformat()}/morning" for i in range(3)]
    assert [run for run, _ in got][:3] == want[: len(got)]
    assert len(got) >= 2
    assert len({run for run, _ in got}) == len(got)
    assert all(shown == clock for run, shown in got if not run.startswith(day))


def test_the_skipped_and_the_repeated_hour() -> None:
    """02:30 does not exist on the 29th of March in Berlin and comes twice on the 25th of October: the first counts."""
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    skipped = moment(date(2026, 3, 29), "02:30", berlin)
    assert datetime.fromtimestamp(skipped // 10**9, berlin).isoformat() == "2026-03-29T03:30:00+02:00"
    repeated = moment(date(2026, 10, 25), "02:30", berlin)
    assert datetime.fromtimestamp(repeated // 10**9, berlin).isoformat() == "2026-10-25T02:30:00+02:00"


@given(
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "UTC", "Pacific/Apia"]),
    st.integers(0, 365 * 24 * 60),
    st.lists(st.integers(1, 5000), min_size=1, max_size=40),
)
def test_however_time_passes_no_run_id_comes_twice_and_none_is_forgotten(
    zone: str, start: int, steps: list[int]
) -> None:
    """Asked at any moments at all, each (day, slot) is run or named as missed, once, in order."""
    z = zoneinfo.ZoneInfo(zone)
    now = at("2026-01-01T00:00", "UTC") + start * MINUTE
    last = baseline(now, TIMES, z)
    begun = dict(last)
    seen: list[str] = []
    for step in steps:
        now += step * MINUTE
        if found := due(last, now, TIMES, z):
            seen += [run for run in found.missed if run != found.run_id] + [found.run_id]
            last |= found.served
        assert due(last, now, TIMES, z) is None
    assert len(seen) == len(set(seen))
    for slot in TIMES:
        mine = [run.partition("/")[0] for run in seen if run.endswith(slot)]
        assert mine == sorted(mine)
        if mine:
            days = (datetime.fromisoformat(mine[-1]) - datetime.fromisoformat(begun[slot])).days
            assert len(mine) == days


def test_missed_runs_are_made_good_for_once_and_said() -> None:
    """A laptop closed for three days must not produce six reports, and must say what it slept through."""
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    last = {"morning": "2026-11-17", "evening": "2026-11-16"}
    found = due(last, at("2026-11-20T10:00", "Europe/Berlin"), TIMES, zone)
    assert found is not None
    assert found.run_id == "2026-11-20/morning"
    assert found.served == {"morning": "2026-11-20", "evening": "2026-11-19"}
    assert found.missed == (
        "2026-11-17/evening",
        "2026-11-18/morning",
        "2026-11-18/evening",
        "2026-11-19/morning",
        "2026-11-19/evening",
        "2026-11-20/morning",
    )
    assert found.caught_up.startswith("caught up once for 2026-11-19/morning")
    assert found.caught_up.endswith("and 3 more")
    assert due(last | found.served, at("2026-11-20T10:00", "Europe/Berlin"), TIMES, zone) is None


def test_a_punctual_run_has_missed_nothing() -> None:
    """'caught up' on an ordinary morning would worry the reader."""
    found = due(
        {"morning": "2026-11-19", "evening": "2026-11-19"},
        at("2026-11-20T09:00", "UTC") + 5 * 10**9,
        TIMES,
        zone_of("UTC"),
    )
    assert found is not None
    assert (found.run_id, found.missed, found.caught_up) == ("2026-11-20/morning", (), "")


def test_a_clock_set_back_and_a_changed_time_run_nothing_twice() -> None:
    """Both look like a new 09:00 to a naive scheduler."""
    done = {"morning": "2026-11-20", "evening": "2026-11-19"}
    assert due(done, at("2026-11-20T08:59", "UTC"), TIMES, zone_of("UTC")) is None
    assert due(done, at("2026-11-20T11:00", "UTC"), TIMES | {"morning": "10:00"}, zone_of("UTC")) is None
    assert due(done, at("2026-11-20T20:59", "UTC"), TIMES, zone_of("America/New_York")) is None


def test_the_next_moment_is_named() -> None:
    """The screen shows it."""
    assert next_moment(at("2026-11-20T08:59", "UTC"), TIMES, zone_of("UTC")) == (
        "morning",
        at("2026-11-20T09:00", "UTC"),
    )
    assert next_moment(at("2026-11-20T21:00", "UTC"), TIMES, zone_of("UTC")) == (
        "morning",
        at("2026-11-21T09:00", "UTC"),
    )


def test_a_wrong_zone_is_refused_with_near_names() -> None:
    """A typing mistake must not become a report at the wrong hour."""
    with pytest.raises(
        ConfigError, match=r"\$\.time_zone: 'Europe/Berln' is not a time zone; did you mean Europe/Berlin"
    ):
        zone_of("Europe/Berln")
    with pytest.raises(ConfigError, match="use a name like"):
        zone_of("../etc")


# --- through the schedule package, with the machine's clock moved


def drive(traveller: time_machine.Coordinates, daily: DailyRuns, minutes: int, step_s: int = 60) -> None:
    """Let time pass, asking as a main loop does."""
    for _ in range(minutes * 60 // step_s):
        traveller.shift(step_s)
        daily.pending()


@pytest.mark.parametrize(("zone", "day"), SPRINGS[:2] + AUTUMNS[:2])
def test_the_schedule_package_fires_each_slot_once_per_day_in_the_users_zone(zone: str, day: str) -> None:
    """Its own job at 02:30 runs an hour late on the spring-forward date and again at 01:30 the day after (measured)."""
    ran: list[str] = []
    begin = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=zoneinfo.ZoneInfo(zone)) - timedelta(hours=12)
    with time_machine.travel(begin, tick=False) as traveller:
        daily = DailyRuns(
            {"night": "02:30", "morning": "09:00"}, zone, lambda d: ran.append(d.run_id), lambda r, e: None
        )
        drive(traveller, daily, 60 * 60)
    days = [day, (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()]
    assert ran == [f"{d}/{slot}" for d in days for slot in ("night", "morning")]


def test_a_failing_run_is_reported_once_and_not_fired_again() -> None:
    """The package itself lets the exception out and fires the job again at once."""
    told: list[tuple[str, str]] = []

    def explode(d: Due) -> None:
        raise RuntimeError("no candles today")

    with time_machine.travel(datetime(2026, 11, 20, 8, 58, tzinfo=zoneinfo.ZoneInfo("UTC")), tick=False) as traveller:
        daily = DailyRuns(TIMES, "UTC", explode, lambda run, e: told.append((run, str(e))))
        drive(traveller, daily, 60)
    assert told == [("2026-11-20/morning", "no candles today")]


def test_a_restart_remembers_what_was_served_and_makes_good_for_what_was_not(tmp_path: Path) -> None:
    """Two starts on one morning give one report; a start after a missed evening gives it then."""
    state = tmp_path / "out" / ".last-runs.json"
    ran: list[Due] = []
    utc = zoneinfo.ZoneInfo("UTC")

    def start() -> DailyRuns:
        return DailyRuns(TIMES, "UTC", ran.append, lambda r, e: None, state)

    with time_machine.travel(datetime(2026, 11, 20, 8, 59, tzinfo=utc), tick=False) as traveller:
        drive(traveller, start(), 5)
        assert [d.run_id for d in ran] == ["2026-11-20/morning"]
        drive(traveller, start(), 5)
        start().check()
        assert len(ran) == 1
        traveller.move_to(datetime(2026, 11, 21, 7, 0, tzinfo=utc))
        start().check()
    assert [d.run_id for d in ran] == ["2026-11-20/morning", "2026-11-20/evening"]
    assert ran[1].missed == ("2026-11-20/evening",)


def test_two_sessions_beside_each_other_run_a_slot_once(tmp_path: Path) -> None:
    """A second terminal left open must not double every report."""
    ran: list[str] = []
    with time_machine.travel(datetime(2026, 11, 20, 8, 59, tzinfo=zoneinfo.ZoneInfo("UTC")), tick=False) as traveller:
        both = [
            DailyRuns(TIMES, "UTC", lambda d: ran.append(d.run_id), lambda r, e: None, tmp_path / "state.json")
            for _ in range(2)
        ]
        for _ in range(26 * 60):
            traveller.shift(60)
            for daily in both:
                daily.pending()
    assert ran == ["2026-11-20/morning", "2026-11-20/evening", "2026-11-21/morning"]


def test_a_missed_time_is_said_where_a_person_reads_it() -> None:
    """The line about it belongs to no symbol; one about a symbol is a stage."""
    screen = io.StringIO()
    stages = Stages(quiet=False, console=Console(file=screen, width=200))
    stages.tell({"stage": "caught up once for 2026-11-20/morning", "symbol": "", "done": 0, "of": 0})
    stages.tell({"stage": "candles", "symbol": "BTC/USDT", "done": 0, "of": 2})
    assert screen.getvalue() == "caught up once for 2026-11-20/morning\nBTC/USDT: candles\n"
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100)
    stages = Stages(quiet=False, console=terminal)
    shares = []
    for stage in ("candles", "analysis", "evidence", "report", "done"):
        stages.tell({"stage": stage, "symbol": "BTC/USDT", "done": 0, "of": 2})
        assert stages.bars is not None
        shares.append(stages.bars.tasks[0].percentage)
    assert shares == [0.0, 25.0, 50.0, 75.0, 100.0]  # a bar never goes back
    (task,) = stages.bars.tasks
    assert (task.description, task.percentage, task.fields["stage"]) == ("BTC/USDT", 100.0, "done")
    stages.end()


def test_of_a_hundred_symbols_the_finished_ones_leave_the_screen() -> None:
    """A terminal has no rows for them, and what is still at work must be seen."""
    stages = Stages(quiet=False, console=Console(file=io.StringIO(), force_terminal=True, width=100))
    for n in range(100):
        for stage in ("candles", "done") if n < 98 else ("candles",):
            stages.tell({"stage": stage, "symbol": f"S{n}/USDT", "done": n, "of": 100})
    stages.fail("S98/USDT")
    assert stages.bars is not None
    shown = [(t.description, t.completed, t.total, t.fields["stage"]) for t in stages.bars.tasks if t.visible]
    stages.end()
    assert shown == [("all symbols", 99, 100, ""), ("S98/USDT", 0, 4, "failed"), ("S99/USDT", 0, 4, "candles")]


@pytest.mark.parametrize("damage", ["", "[1]", '{"morning": "soon"}', '{"morning": "2999-01-01"}'])
def test_a_damaged_state_starts_afresh(tmp_path: Path, damage: str) -> None:
    """A file cut short by a power cut must not stop the mornings for ever."""
    state = tmp_path / "state.json"
    state.write_text(damage)
    ran: list[str] = []
    with time_machine.travel(datetime(2026, 11, 20, 8, 59, tzinfo=zoneinfo.ZoneInfo("UTC")), tick=False) as traveller:
        drive(traveller, DailyRuns(TIMES, "UTC", lambda d: ran.append(d.run_id), lambda r, e: None, state), 5)
    assert ran == ["2026-11-20/morning"]
