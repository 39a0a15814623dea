"""The result for a person: figures by question, then the bars, met or missed."""

from __future__ import annotations

from typing import Any

from benchmarks.rows import GROUPS, Bar, Group

Row = dict[str, Any]
SHOWN_APART = ("group", "contender", "us", "times_ours", "final", "wall_us")
UNITS = {group.name: group.unit for group in GROUPS}


def judged(group: Group, rows: list[Row]) -> list[dict[str, Any]]:
    """Each bar of a group with what was reached and whether that is enough; `reached` None where it cannot be said."""
    by_name = {row["contender"]: row for row in rows if "missing" not in row}
    found = []
    for bar in group.bars:
        mine, other = by_name.get(bar.row), by_name.get(bar.of)
        reached = None
        if bar.is_ratio and mine and other:
            reached = round(other["us"] / mine["us"], 2)
        elif not bar.is_ratio and mine:
            reached = round(mine[bar.of] * (group.unit.in_us if bar.of == "us" else 1.0), 3)
        found.append({"group": group.name, **bar._asdict(), "reached": reached, "verdict": verdict(bar, reached)})
    return found


def verdict(bar: Bar, reached: float | None) -> str:
    """In words: moonshot reached, must met, must missed, or not measured.

    >>> verdict(Bar("ours", "peer", 8, 15), 9.0), verdict(Bar("ours", "p50", 2, 0.8, "µs"), 2.5)
    ('must met', 'must MISSED')
    """
    if reached is None:
        return "not measured"
    sign = 1 if bar.is_ratio else -1
    if sign * reached >= sign * bar.moonshot:
        return "moonshot reached"
    return "must met" if sign * reached >= sign * bar.must else "must MISSED"


def table(result: dict[str, Any]) -> str:
    """Conditions, streams, rows and bars as text."""
    said = result["conditions"]
    lines = [
        f"{said['processor']}, {said['cores']} cores, {said['system']}, Python {said['python']}, "
        f"load {said['load before']}",
        "  " + ", ".join(f"{name} {value}" for name, value in list(said.items())[4:-1]),
        f"{result['frames']:,} frames a stream, median of {result['repetitions']} repetitions in turn, "
        f"{result['took_s']} s",
        "streams, generated here (live: 1.45 / 1.55 / 1.63 entries at depth 10 / 25 / 100, 24 % removals, 200 B):",
    ]
    for name, shape in result["streams"].items():
        lines.append(
            f"  {name:<28} {shape['entries an update']} entries an update, {shape['removals']:.0%} removals, "
            f"{shape['bytes a frame']:.0f} B a frame"
        )
    if result["candles"]:
        lines.append(f"candles: {result['candles']:,} minutes of a seeded random walk (SIMULATED)")
    for group in dict.fromkeys(row["group"] for row in result["rows"]):
        unit = UNITS[group]
        lines += ["", f"{group}  [{unit.text}]"]
        for row in (row for row in result["rows"] if row["group"] == group):
            if "missing" in row:
                lines.append(f"  {row['contender']:<34} not measured: {row['missing']}")
                continue
            rest = "  ".join(f"{k} {v}" for k, v in row.items() if k not in SHOWN_APART)
            figure = row["us"] * unit.in_us
            lines.append(f"  {row['contender']:<34} {figure:>9.3f} {row['times_ours']:>8.2f}x  {rest}")
        for bar in (bar for bar in result["bars"] if bar["group"] == group):
            lines.append(f"    {_said(bar)}")
    return "\n".join(lines)


def _said(bar: dict[str, Any]) -> str:
    unit = bar["unit"]
    reached = "–" if bar["reached"] is None else f"{bar['reached']:g}"
    if unit == "x":
        what, than = f"{bar['row']} is {reached}x as fast as {bar['of']}", "at least"
    else:
        what, than = f"{bar['row']}: {'CPU' if bar['of'] == 'us' else bar['of']} {reached} {unit}", "at most"
    return f"{bar['verdict']}: {what} (must {than} {bar['must']:g}, moonshot {bar['moonshot']:g})"
