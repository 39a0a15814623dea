"""The daily analyses at local times: each slot exactly once per local day, across both DST changes and missed hours.

`due` is the whole rule and reads no clock. The `schedule` package only knocks at its door: on the spring-forward date
it runs a time inside the gap an hour late and fires once more the day after (measured), and it forgets what it missed.
So every knock, and one every half minute, asks `due`; what is not due does nothing.
"""

from __future__ import annotations

import json
import logging
import time
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path

import msgspec
import schedule

from desk.errors import ConfigError
from desk.wholefile import write_whole

log = logging.getLogger(__name__)
LATE_NS = 10 * 60_000_000_000  # a run this much after its time was missed and is caught up
KNOCK_S = 30


class Due(msgspec.Struct, frozen=True):
    """One run that should happen now. `served`: the last day of every slot it stands for; write it down before running.

    `missed`: run ids that this one makes good for, oldest first; the run itself is among them when it is late.
    """

    run_id: str
    at: int
    late_ns: int
    served: dict[str, str]
    missed: tuple[str, ...]

    @property
    def caught_up(self) -> str:
        """For people: "" when nothing was missed."""
        if not self.missed:
            return ""
        rest = f" and {len(self.missed) - 3} more" if len(self.missed) > 3 else ""
        return f"caught up once for {', '.join(self.missed[-3:])}{rest}"


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The time zone of that name; raises ConfigError with near names."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as e:
        near = get_close_matches(name, zoneinfo.available_timezones(), n=2, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}?" if near else "use a name like Europe/Berlin or UTC"
        raise ConfigError([f"$.time_zone: {name!r} is not a time zone; {hint}"]) from e


def moment(day: date, clock: str, zone: zoneinfo.ZoneInfo) -> int:
    """When `clock` ("HH:MM") comes on a local day, ns: the first time in an hour that repeats; in an hour that a
    spring-forward skips, as long after midnight as on any other day (02:30 comes at 03:30).

    >>> at = moment(date(2026, 3, 29), "02:30", zoneinfo.ZoneInfo("Europe/Berlin"))
    >>> datetime.fromtimestamp(at // 10**9, zoneinfo.ZoneInfo("UTC")).strftime("%H:%M")
    '01:30'
    """
    local = datetime(day.year, day.month, day.day, int(clock[:2]), int(clock[3:]), tzinfo=zone)  # fold=0 is that rule
    return int(local.timestamp()) * 10**9


def latest(now: int, clock: str, zone: zoneinfo.ZoneInfo) -> tuple[date, int]:
    """The newest (local day, moment) of a slot at or before `now`."""
    day = datetime.fromtimestamp(now // 10**9, zone).date()
    for back in range(3):
        candidate = day - timedelta(days=back)
        if (at := moment(candidate, clock, zone)) <= now:
            return candidate, at
    raise AssertionError("every slot has a moment on each local day")


def baseline(now: int, times: Mapping[str, str], zone: zoneinfo.ZoneInfo) -> dict[str, str]:
    """The state of a first start: what has passed today is not made up for, the next moment is the first due."""
    return {slot: latest(now, clock, zone)[0].isoformat() for slot, clock in times.items()}


def due(last_run: Mapping[str, str], now: int, times: Mapping[str, str], zone: zoneinfo.ZoneInfo) -> Due | None:
    """The run that should happen at `now` (ns), or None.

    `last_run`: slot → last local day served ("2026-11-20"); a slot it does not know is served as of now. `times`: slot
    → "HH:MM". However much was missed, it is made good for by one run: the newest. A clock set back, or a time of day
    changed after it has run, runs nothing twice.
    """
    pending: list[tuple[int, str, str]] = []
    missed: list[tuple[str, str]] = []
    for slot, clock in times.items():
        day, at = latest(now, clock, zone)
        served = last_run.get(slot)
        if served is None or day.isoformat() <= served:
            continue
        pending.append((at, slot, day.isoformat()))
        first = max(date.fromisoformat(served) + timedelta(days=1), day - timedelta(days=366))
        gone = [(first + timedelta(days=i)).isoformat() for i in range((day - first).days + 1)]
        missed += [(d, slot) for d in gone[: None if now - at > LATE_NS else -1]]
    if not pending:
        return None
    at, slot, newest = max(pending)
    for other_at, other, d in pending:  # two slots at once: the older is made good for by the newer
        if other != slot and (d, other) not in missed and other_at <= at:
            missed.append((d, other))
    ids = tuple(
        f"{d}/{s}" for d, s in sorted(missed, key=lambda m: (moment(date.fromisoformat(m[0]), times[m[1]], zone), m))
    )
    return Due(f"{newest}/{slot}", at, now - at, {s: d for _, s, d in pending}, ids)


def next_moment(now: int, times: Mapping[str, str], zone: zoneinfo.ZoneInfo) -> tuple[str, int]:
    """(slot, ns) of the next scheduled moment after `now`."""
    today = datetime.fromtimestamp(now // 10**9, zone).date()
    ahead = [(moment(today + timedelta(days=i), clock, zone), slot) for i in range(3) for slot, clock in times.items()]
    at, slot = min(x for x in ahead if x[0] > now)
    return slot, at


def state_name(venue: str, symbols: tuple[str, ...]) -> str:
    """The file of a schedule's served times: a session of other symbols has a schedule of its own.

    >>> state_name("kraken", ("ETH/USD", "BTC/USD"))
    '.last-runs-kraken-79d42207.json'
    """
    return f".last-runs-{venue}-{blake2b(' '.join(sorted(symbols)).encode(), digest_size=4).hexdigest()}.json"


class DailyRuns:
    """Calls `run(due)` at the daily times of a zone. Call `pending()` at least twice a minute; nothing else is needed.

    What has been served is written to `state` (when given) *before* the run, so neither an exception nor a crash makes
    a slot fire again; exceptions go to `failed`. After a stop of hours or days, one run makes good for all.
    """

    def __init__(
        self,
        times: Mapping[str, str],
        zone_name: str,
        run: Callable[[Due], None],
        failed: Callable[[str, Exception], None],
        state: Path | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.times, self.zone = dict(times), zone_of(zone_name)
        self.run, self.failed, self.state, self.clock = run, failed, state, clock
        start = baseline(clock(), self.times, self.zone)
        self.last_run = start | {slot: day for slot, day in self._read().items() if slot in start}
        self.scheduler = schedule.Scheduler()
        for at in self.times.values():
            self.scheduler.every().day.at(at, zone_name).do(self.check)
        self.scheduler.every(KNOCK_S).seconds.do(self.check)

    def pending(self) -> None:
        """Run what is due; returns at once when nothing is."""
        self.scheduler.run_pending()

    def check(self) -> None:
        """Ask `due` now, and obey."""
        now = self.clock()
        if due(self.last_run, now, self.times, self.zone) is None:
            return
        told = self._read()  # another session of the same user may have served it meanwhile
        self.last_run = {slot: max(day, told.get(slot, day)) for slot, day in self.last_run.items()}
        found = due(self.last_run, now, self.times, self.zone)
        if found is None:
            return
        self.last_run |= found.served
        self._write()
        try:
            self.run(found)
        except Exception as e:  # one failed analysis must not end the schedule, nor fire again at once
            log.exception("scheduled run failed", extra={"run_id": found.run_id})
            self.failed(found.run_id, e)

    def next_at(self) -> tuple[str, int]:
        """(slot, ns) of the next run."""
        return next_moment(self.clock(), self.times, self.zone)

    def _read(self) -> dict[str, str]:
        if self.state is None or not self.state.exists():
            return {}
        try:
            kept = {str(s): date.fromisoformat(d) for s, d in json.loads(self.state.read_text()).items()}
            tomorrow = datetime.fromtimestamp(self.clock() // 10**9, self.zone).date() + timedelta(days=1)
            return {slot: day.isoformat() for slot, day in kept.items() if day <= tomorrow}  # a far future is damage
        except (OSError, ValueError, TypeError, AttributeError):
            log.warning("schedule state unreadable, starting afresh", extra={"path": str(self.state)})
            return {}

    def _write(self) -> None:
        if self.state is None:
            return
        try:
            self.state.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.state, json.dumps(self.last_run).encode())
        except OSError as e:
            log.warning("schedule state not written", extra={"path": str(self.state), "why": str(e)})
