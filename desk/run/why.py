"""`./run why SYMBOL`: the gates a symbol came through, from the journal of a session, also of one that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from desk.errors import ConfigError
from desk.instrument import Instrument
from desk.intents import Signal
from desk.io import sessions
from desk.projections.codes import CODES, bare
from desk.projections.why import NO, NOT_ASKED, WhyFold
from desk.run import session_facts
from desk.wire.stamps import NS, format_ns


def why(base: Path, session: str, symbol: str, at: str) -> dict[str, Any]:
    """The command's JSON: desk.projections.why's answer, the session, and the last signal in the venue's prices.

    Times as RFC 3339 text. Raises JournalError and ConfigError as the parts do.
    """
    folder = sessions.find(base, session)
    start = session_facts.manifest(folder)
    inst = session_facts.instrument_key(symbol, start)
    until = session_facts.moment(at, start.ts) if at else None
    fold = WhyFold()
    for entry in sessions.stream(folder):
        if until is not None and entry.event.ts > until:
            break
        fold.apply(entry.event, entry.effects, entry.seq)
    else:
        if until is not None and until > fold.ts + NS:
            ran = f"{format_ns(start.ts, 0)} to {format_ns(fold.ts, 0)}"
            raise ConfigError([f"--at {at}: {folder} ran from {ran}"])
    found = fold.answer(inst, until if until is not None else fold.ts)
    signal = found.pop("signal")
    described = session_facts.instruments(folder, start).get(inst)
    return {
        "symbol": inst.rpartition("@")[0],
        "session": str(folder),
        "state": sessions.state(folder),
        "mode": start.mode,
        "feed": start.feed,
        "simulated": start.venue == "embedded",
        **{key: format_ns(value) if key in ("now", "since", "said") else value for key, value in found.items()},
        "signal": signal_words(signal, described) if signal is not None else None,
    }


def signal_words(signal: Signal, inst: Instrument | None) -> dict[str, Any]:
    """A signal for people: prices and size as the venue writes them, ticks and lots where it was never described."""
    price = inst.px_text if inst is not None else str
    size = inst.qty_text if inst is not None else str
    return {
        "id": signal.signal_id,
        "at": format_ns(signal.ts),
        "side": signal.side.name,
        "entry": price(signal.entry),
        "stop": price(signal.stop),
        "target": price(signal.target),
        "size": size(signal.qty),
        "net_target_bps": signal.net_target_bps,
        "break_even": signal.break_even,
        "reasons": list(signal.reasons),
    }


def describe(found: dict[str, Any]) -> str:
    """The same for a person."""
    simulated = " · SIMULATED MARKET" if found["simulated"] else ""
    lines = [
        _verdict(found),
        f"  {found['mode']} on {found['feed']}{simulated} · {found['session']} ({found['state']})",
        f"  at {_time(found['now'])} UTC, entry {found['seq']:,}"
        + (f"; last word {_time(found['said'])}" if found["looks"] else ""),
        *(f"  NO ENTRY WHATEVER THE SIGNAL: {code}: {text}" for code, text in found["latches"].items()),
        "",
        f"  {'gate':<10} {'state':<9} {'came':>9} {'stopped':>9}  numbers",
    ]
    for gate in found["gates"]:
        said = gate["text"]
        if gate["state"] == NO:
            said = f"{bare(gate['last_code'])}: {said}" if said else bare(gate["last_code"])
        elif gate["state"] == NOT_ASKED and gate["last_code"]:
            at = _time(format_ns(gate["last_at"]))
            said = f"last no at {at}: {bare(gate['last_code'])}" + (f" ({said})" if said else "")
        row = f"  {gate['gate']:<10} {gate['state']:<9} {gate['reached']:>9,} {gate['stopped']:>9,}  {said}"
        lines.append(row.rstrip())
    lines.append(
        f"\n  {found['looks']:,} looks, {found['signals']:,} signals, {found['submitted']:,} entries sent, "
        f"{found['filled']:,} traded"
    )
    if found["bias"] is not None:
        bias = found["bias"]
        lines.append(f"  bias {bias['score']:+.0f} {bias['label']} until {_time(format_ns(bias['expires']))} UTC")
    if found["change"]:
        lines.append(f"  to pass: {found['change']}")
    if (known := CODES.get(bare(found["code"]))) is not None:
        lines.append(f"  {bare(found['code'])}: {known.meaning}. What to do: {known.remedy}")
    if (signal := found["signal"]) is not None:
        lines.append(
            f"  last signal {signal['id']} at {_time(signal['at'])} UTC: {signal['side']} {signal['size']} "
            f"at {signal['entry']}, stop {signal['stop']}, target {signal['target']} "
            f"(./run explain {signal['id']})"
        )
        lines += [f"    {reason}" for reason in signal["reasons"]]
    else:
        lines.append("  no signal so far")
    return "\n".join(lines)


def _verdict(found: dict[str, Any]) -> str:
    if not found["looks"]:
        return f"{found['symbol']}: nobody has looked at it yet (it is not traded, or the session has just begun)"
    if found["code"] == "SIGNAL":
        return f"{found['symbol']}: SIGNAL at {_time(found['since'])} UTC, every gate passed"
    short = CODES[bare(found["code"])].short if bare(found["code"]) in CODES else ""
    return f"{found['symbol']}: no trade, {bare(found['code'])} ({short}) since {_time(found['since'])} UTC"


def _time(stamp: str) -> str:
    return stamp[11:23]
