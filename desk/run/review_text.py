"""A session's performance and signal health for a person: tables of 100 columns, every rate with its n and interval."""

from __future__ import annotations

from typing import Any

from desk.research.metrics import NEED_TRADES

Json = dict[str, Any]
LAST_TRADES = 10


def performance_text(result: Json) -> str:
    """The verb `performance` without --json."""
    lines = [_title(result)]
    if not result["totals"]:
        lines.append("  no closed trade: NOT MEASURED")
    for total in result["totals"]:
        sums, e = total["sums"], total["expectancy"]
        lines += [
            f"  {total['quote']}: {sums['n']} closed trades, gross {_money(sums['gross'], 0)}, "
            f"fees {_money(sums['fees'], 0)}, net {_money(sums['net'], 0)}",
            f"    expectancy {_interval(e['net'], '{:+.2f}')} bps a trade net of fees; "
            f"wins {_percent(e['win_rate'])}, payoff {_or_dash(e['payoff'], '{:.2f}')}; "
            f"{_worded(e['word'], e['n'], NEED_TRADES)}",
            f"    slippage against the mid decided on: {_money(sums['slippage'], 0)} over {sums['slipped']} trades"
            if sums["slipped"]
            else "    slippage: NOT MEASURED",
        ]
    if result["groups"]:
        lines.append(f"\n  {'by':<26}{'n':>5}{'gross':>14}{'fees':>12}{'net':>14}{'net bps':>9}  wins, 95 % interval")
    for group in result["groups"]:
        sums, e = group["sums"], group["expectancy"]
        name = f"{group['what']} {group['which']}"
        lines.append(
            f"  {name:<26}{sums['n']:>5}{_money(sums['gross'])}{_money(sums['fees'], 12)}{_money(sums['net'])}"
            f"{e['net']['value']:>+9.2f}  {_percent(e['win_rate'])} {_worded(e['word'], e['n'], NEED_TRADES)}"
        )
    if result["fills"]:
        heads = "".join(f"{'markout ' + s:>26}" for s in result["fills"][0]["markout_bps"])
        lines.append(f"\n  {'fills, bps':<10}{'n':>5}{'slippage':>26}{heads}")
    for fills in result["fills"]:
        cells = "".join(
            f"{_interval(i, '{:+.2f}'):>26}" for i in (fills["slippage_bps"], *fills["markout_bps"].values())
        )
        lines.append(f"  {fills['role']:<10}{fills['n']:>5}{cells}")
    lines += _trades(result["trades"])
    if result["latency_us"]:
        lines.append(f"\n  {'stage':<22}{'p50':>12}{'p90':>12}{'p99':>12}  of")
    for stage, t in result["latency_us"].items():
        if t.get("p50") is None:
            continue
        cells = "".join(f"{_or_dash(t.get(p), '{:,.0f} µs'):>12}" for p in ("p50", "p90", "p99"))
        lines.append(f"  {stage:<22}{cells}  {t['measured']}" + (f", n {t['n']:.0f}" if "n" in t else ""))
    return "\n".join([*lines, *(f"  {alarm}" for alarm in result["alarms"])])


def _trades(trades: list[Json]) -> list[str]:
    """The last few, one by one; --json has all of them."""
    if not trades:
        return []
    heads = "".join(f"{'after ' + s:>11}" for s in trades[0]["markout"])
    sums = "".join(f"{name:>11}" for name in ("gross", "fees", "net"))
    lines = [f"\n  {f'last of {len(trades)} trades':<40}{sums}{'bps':>8}{'slippage':>11}{heads}"]
    for t in trades[-LAST_TRADES:]:
        name = f"{t['trade_id']} {t['inst'].partition('@')[0]} {t['side']} {clock(t['opened'])} {t['exit']}"
        cells = "".join(_or_money(amount) for amount in (t["slippage"], *t["markout"].values()))
        sums = "".join(_money(t[of], 11) for of in ("gross", "fees", "net"))
        lines.append(f"  {name:<40}{sums}{t['net_bps']:>+8.1f}{cells}")
    return lines


def clock(ts: int) -> str:
    """The time of day of a moment in ns, UTC.

    >>> clock(1_767_603_661_000_000_000)
    '09:01:01'
    """
    seconds = ts // 1_000_000_000 % 86_400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _or_money(text: str | None) -> str:
    return f"{'–':>11}" if text is None else _money(text, 11)


def health_text(result: Json) -> str:
    """The verb `health` without --json."""
    lines = [_title(result)]
    if not result["scores"]:
        lines.append("  no score was ever made: NOT MEASURED")
    for score in result["scores"]:
        lines += _score(score, result)
    lines.append("\n  signals issued, mid to mid in their direction:")
    for one in result["signals"]:
        if not one["n"]:
            lines.append(f"    {one['horizon_s']:>4g} s  {one['word']}")
            continue
        lines.append(
            f"    {one['horizon_s']:>4g} s  {_interval(one['gross_bps'], '{:+.2f}')} bps; "
            f"right {_percent(one['hits'])}, payoff {_or_dash(one['payoff'], '{:.2f}')}; "
            f"{_worded(one['word'], one['n'], one['need'])}"
        )
    return "\n".join(lines)


def _score(score: Json, result: Json) -> list[str]:
    lines = [f"\n  {score['inst']} {score['tier']}: {score['seconds']:,} s of scores; the score: {_verdict(score)}"]
    lines.append(
        f"    {'horizon':>8}  {'IC of the score':<26}{'t':>6}{'late':>6}  "
        f"{'direction':>10}{'imbalance':>10}{'orders':>8}{'spread':>8}"
    )
    others = [score["ics"].get(name, ()) for name in ("direction", "imbalance", "order_count", "spread")]
    for i, one in enumerate(score["ics"]["score"]):
        parts = "".join(
            f"{_or_dash(of[i]['ic'] and of[i]['ic']['value'], '{:+.3f}'):>{width}}"
            for of, width in zip(others, (10, 10, 8, 8), strict=True)
        )
        lines.append(
            f"    {one['horizon_s']:>6g} s  {_interval(one['ic'], '{:+.3f}'):<26}{_or_dash(one['t'], '{:+.1f}'):>6}"
            f"{_or_dash(one['t_late'], '{:+.1f}'):>6}  "
            f"{parts}  {_worded(one['word'], one['independent'], one['need'])}"
        )
    lines += [_half_life(score["half_life"])]
    for name, one in score["regimes"].items():
        lines.append(
            f"    {'1 s, ' + name:<32}{_interval(one['ic'], '{:+.3f}'):<26}"
            f"{_worded(one['word'], one['independent'], one['need'])}"
        )
    for one in score["calls"]:
        lines.append(_calls(one))
    lines.append(f"    your fees: {result['fee_tier']}")
    c = score["calibration"]
    told = (
        f"Brier skill {_or_dash(c['skill'], '{:+.3f}')}, calibration error {_or_dash(c['error'], '{:.3f}')}; "
        if c["bins"]
        else ""
    )
    lines.append(f"    calibration over 5 s: {told}{_worded(c['word'], c['n'], c['need'])}")
    p = score["placebos"]
    mirror = "not made" if p["mirrored"] is None else f"off by {p['mirrored']:.1g}"
    red = "  RED: the ruler is bent" if p["red"] else ""
    lines.append(f"    placebos with |t| < 2: {_percent(p['quiet'])}; mirrored book {mirror}{red}")
    return lines + [f"    {alarm}" for alarm in score["alarms"]]


def _verdict(score: Json) -> str:
    return str(score["says"]).upper() if score["word"] == "MEASURED" else str(score["word"])


def _half_life(h: Json | None) -> str:
    if h is None:
        return "    half-life: NOT MEASURED (needs an IC above 0 at three horizons from its peak on)"
    high = "not bounded" if h["high_s"] is None else f"{h['high_s']:.1f}"
    return (
        f"    half-life {h['word']}: {h['value_s']:.1f} s [{h['low_s']:.1f}, {high}] from its peak at {h['peak_s']:g} s"
    )


def _calls(one: Json) -> str:
    if not one["n"]:
        return f"    calls over {one['horizon_s']:g} s: {one['word']}"
    pays = {True: "covers your fees", False: "does not cover fees", None: "too early to say that it pays"}[
        one["covers"]
    ]
    return (
        f"    calls over {one['horizon_s']:>2g} s: {_interval(one['gross_bps'], '{:+.2f}')} bps gross, breaks even at "
        f"{one['break_even_bps']:.2f} a side: {pays}\n"
        f"      net {one['net_taker_bps']:+.1f} taking, {one['net_maker_bps']:+.1f} making; "
        f"right {_percent(one['hits'])}, payoff {_or_dash(one['payoff'], '{:.2f}')}; "
        f"{_worded(one['word'], one['n'], one['need'])}"
    )


def _title(result: Json) -> str:
    market = "SIMULATED market" if result["market"] == "SIMULATED" else f"{result['feed']} market"
    return f"{result['session']} ({market}, fills {result['fills_are']})"


def _interval(i: Json | None, form: str) -> str:
    if i is None:
        return "–"
    if i["n"] < 2:  # one observation has no interval
        return f"{form.format(i['value'])} (n 1)"
    return f"{form.format(i['value'])} [{form.format(i['low'])}, {form.format(i['high'])}]"


def _percent(i: Json | None) -> str:
    if i is None:
        return "–"
    return f"{100 * i['value']:.0f} % [{100 * i['low']:.0f}, {100 * i['high']:.0f}] of {i['n']:,}"


def _worded(word: str, n: int, need: int) -> str:
    return f"{word} (n {n:,})" if word == "MEASURED" else f"{word} (n {n:,}, need {need:,})"


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _money(text: str, width: int = 14) -> str:
    return f"{float(text):>{width},.4f}"
