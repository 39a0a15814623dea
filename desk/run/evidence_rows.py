"""Signal health and the record of trades as people see them while a run goes on: short forms, made at a low rate."""

from __future__ import annotations

from typing import Any

import msgspec

from desk.instrument import split_key
from desk.projections.hourly import Tally
from desk.projections.screen import HealthRow, RecordRow
from desk.research.ic import HorizonIC
from desk.research.metrics import NEED_TRADES, wilson, word
from desk.research.signal_health import rate_alarm, short, summary
from desk.run.observe import Observer

SHOWN_S = (1.0, 5.0, 30.0)
PACE = 1_000_000_000  # ns between two measurements of about a millisecond


class EvidenceRows:
    """Measures one instrument at one horizon a second, in turn, and remembers the others."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, float], HealthRow] = {}
        self._turn = 0
        self._next = 0

    def health(self, observer: Observer | None, now: int) -> tuple[HealthRow, ...]:
        """All rows, one of them new where its second has come; a tier that nothing is known of only until one is: a
        book is scored by levels for the moments before its orders are proven.
        """
        if observer is not None and observer.samples.samples and now >= self._next:
            self._next = now + PACE
            every = [(key, horizon) for key in observer.samples.samples for horizon in SHOWN_S]
            key, horizon = every[self._turn % len(every)]
            self._turn += 1
            self._rows[*key, horizon] = health_row(*key, short(observer.samples.samples[key], horizon))
        known = {(inst, tier) for (inst, tier, _), row in self._rows.items() if row.independent}
        measured = {inst for inst, _ in known}
        return tuple(r for (inst, tier, _), r in self._rows.items() if inst not in measured or (inst, tier) in known)


def health_row(inst: str, tier: str, found: HorizonIC) -> HealthRow:
    """One measurement for the screen."""
    symbol, venue = split_key(inst)
    ic = found.ic
    return HealthRow(
        symbol=symbol,
        venue=venue,
        tier=tier,
        horizon_s=found.horizon_s,
        ic=ic.value if ic else None,
        low=ic.low if ic else None,
        high=ic.high if ic else None,
        independent=found.independent,
        need=found.need,
        word=found.word,
        says=found.says,
    )


def record_rows(observer: Observer | None) -> tuple[RecordRow, ...]:
    """The closed trades so far, a row for each quote currency."""
    if observer is None:
        return ()
    return tuple(record_row(quote, sums) for quote, sums in observer.performance.totals.items())


def record_row(quote: str, sums: Tally) -> RecordRow:
    """The sums of one quote currency for the screen; raises ValueError without a trade."""
    rate = wilson(sums.wins, sums.n)
    if rate is None:
        raise ValueError(f"{quote}: no closed trade")
    return RecordRow(
        quote=quote,
        n=sums.n,
        need=NEED_TRADES,
        word=word(sums.n, NEED_TRADES),
        wins=rate.value,
        low=rate.low,
        high=rate.high,
        payoff=sums.payoff,
        gross=float(sums.gross),
        fees=float(sums.fees),
        net=float(sums.net),
        net_bps=sums.net_bps,
        slippage=float(sums.slippage) if sums.slipped else None,
    )


def evidence_lines(summary: dict[str, Any]) -> list[str]:
    """The same in a few lines, for the end of a run: a share of wins only with n, interval and the net result."""
    lines = [
        f"  trades in {row['quote']}: {row['n']}, net {row['net']:+.2f} ({row['net_bps']:+.2f} bps a trade), "
        f"wins {100 * row['wins']:.0f} % [{100 * row['low']:.0f}, {100 * row['high']:.0f}]: "
        f"{row['word']} (need {row['need']})"
        for row in summary.get("performance", {}).get("records", ())
    ]
    for one in summary.get("health", ()):
        said = one["says"] if one["word"] == "MEASURED" else one["word"]
        lines.append(f"  score of {one['inst']} {one['tier']}: {said} after {one['seconds']:,} s (./run health)")
        lines += [f"  {alarm}" for alarm in one["alarms"]]
    return lines + [f"  {alarm}" for alarm in summary.get("performance", {}).get("alarms", ())]


def evidence_summary(observer: Observer | None) -> dict[str, Any]:
    """The end of a run: `performance` by quote currency, `health` of every score; {} when nobody observed."""
    if observer is None:
        return {}
    rows = record_rows(observer)
    alarms = (rate_alarm(f"trades in {row.quote}", wilson(round(row.wins * row.n), row.n)) for row in rows)
    return {
        "performance": {
            "fills": "SIMULATED (paper)",
            "records": [msgspec.to_builtins(row) for row in rows],
            "order_times_us": observer.performance.times.result(),
            "alarms": [alarm for alarm in alarms if alarm],
        },
        "health": [summary(samples) for samples in observer.samples.samples.values()],
    }
