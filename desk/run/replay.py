"""A recorded session again: the same engine, the same events, and every answer compared byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from desk.engine import Engine
from desk.errors import JournalError
from desk.events import Start
from desk.io.journal import read_session
from desk.journal import EffectHash, same
from desk.projections.blotter import BlotterFold
from desk.run.breakouts import breakouts_of, said
from desk.signals.score_log import ScoreLog

NAMED = 3  # differences described one by one


def replay(folder: Path, build: Callable[[Start], Engine]) -> dict[str, Any]:
    """Run a session's events through a fresh engine (the command's JSON).

    `equal` says whether every answer is the recorded one; `effect_hash` is that of the recomputed answers,
    `recorded_hash` that of the session's summary (None when the session never ended properly). A `hole` that a full
    disk left ends the comparison: `compared` entries came before it. Raises JournalError for a journal that cannot be
    read, or that does not begin with its manifest.
    """
    entries, torn, said = read_session(folder)
    start = entries[0].event
    if not isinstance(start, Start):
        raise JournalError(f"{folder}: the journal does not begin with a session's manifest")
    engine = build(start)
    ours, blotter, scores = EffectHash(), BlotterFold(engine.watch.instruments), ScoreLog()
    differences: list[str] = []
    compared, hole = 0, ""
    for entry in entries:
        if entry.seq != engine.seq + 1:
            hole = f"after seq {engine.seq}, {entry.seq - engine.seq - 1} entries found no room on the disk"
            break  # what follows was decided by an engine that had seen them
        compared += 1
        effects = engine.step(entry.event)
        ours.add(entry.seq, effects)
        blotter.apply(entry.event, effects)
        for inst in engine.changed:
            scores.apply(engine.watch.live[inst])
        if not same(effects, entry.effects):
            differences.append(
                f"seq {entry.seq} {type(entry.event).__name__}: recorded {entry.effects!r:.300}, now {effects!r:.300}"
            )
    counts = blotter.result()
    recorded = said.get("effect_hash")
    return {
        "session": str(folder),
        "version": start.version,
        "entries": len(entries),
        "compared": compared,
        "hole": hole,
        "torn_tail_bytes": torn,
        "frames": engine.watch.frames,
        "signals": counts.signals,
        "orders": counts.orders,
        "fills": counts.fills,
        "refusals": counts.refusals,
        "scores": scores.result(),
        "breakouts": breakouts_of(engine),
        "effect_hash": ours.hex(),
        "recorded_hash": recorded,
        "equal": not differences and (bool(hole) or recorded in (None, ours.hex())),
        "differences": len(differences),
        "first_differences": differences[:NAMED],
    }


def describe(result: dict[str, Any]) -> str:
    """The same for a person."""
    verdict = "every answer is the recorded one" if result["equal"] else f"{result['differences']:,} answers DIFFER"
    lines = [
        f"{result['session']} (recorded by {result['version']}): {result['entries']:,} entries, "
        f"{result['frames']:,} frames; {verdict}",
        f"  signals {result['signals']}, orders {result['orders']}, fills {result['fills']}",
        f"  effect hash {result['effect_hash']}, recorded {result['recorded_hash'] or '(the session did not end)'}",
    ]
    if result["hole"]:
        lines.append(f"  hole {result['hole']}: compared up to there")
    if result["torn_tail_bytes"]:
        lines.append(f"  torn tail: the last {result['torn_tail_bytes']} bytes were cut off in the writing")
    for inst, score in result["scores"].items():
        lines.append(
            f"  {inst} score {score['last']:+.1f} {score['label']} ({score['min']:+.1f} … {score['max']:+.1f})"
        )
    lines += [f"  {inst} {said(record)}" for inst, record in result["breakouts"].items()]
    return "\n".join(lines + [f"  {difference}" for difference in result["first_differences"]])
