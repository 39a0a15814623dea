"""`./run explain ORDER`: order → verdict → intent → signal → event, and what the venue made of it, from the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from desk.errors import ConfigError
from desk.events import Accepted, Answer, Ended, Event, Fill, Frame
from desk.instrument import Instrument
from desk.io import sessions
from desk.projections.arithmetic import plain
from desk.projections.origin import Origin, OriginFold
from desk.run import session_facts
from desk.run.why import signal_words
from desk.wire.stamps import format_ns

SHOWN = 240  # characters of the venue's message that caused an order


def explain(base: Path, session: str, name: str) -> dict[str, Any]:
    """The command's JSON. `name`: an order ("o5") or a signal ("s3"), as on the screen.

    Raises ConfigError for one the session does not know, JournalError when it cannot be read.
    """
    folder = sessions.find(base, session)
    start = session_facts.manifest(folder)
    fold = OriginFold(name)
    for entry in sessions.stream(folder):
        fold.apply(entry.event, entry.effects, entry.seq)
    if (found := fold.found) is None:
        known = f"the last orders are {', '.join(fold.orders)}" if fold.orders else "it has sent no order"
        raise ConfigError([f"{name}: not an order or signal of {folder}; {known}"])
    inst = session_facts.instruments(folder, start).get(found.place.inst)
    return {
        "order": found.order_id,
        "symbol": found.place.inst.rpartition("@")[0],
        "session": str(folder),
        "state": sessions.state(folder),
        "simulated": start.venue == "embedded",
        "verdict": _verdict(found),
        "intent": _intent(found, inst),
        "signal": signal_words(found.signal, inst) | {"seq": found.signal_seq} if found.signal is not None else None,
        "opened_by": found.entry,
        "event": {"seq": found.seq, "at": format_ns(found.cause.ts), **_event(found.cause)},
        "after": [{"seq": seq, "at": format_ns(event.ts), **_answer(event, inst)} for seq, event in found.after],
        "cancel": {"seq": found.cancel[0], "at": format_ns(found.cancel[1])} if found.cancel is not None else None,
    }


def _verdict(found: Origin) -> dict[str, Any]:
    if (refused := found.refused) is not None:
        code = f"RISK_{refused.rule.upper()}"
        return {"approved": False, "code": code, "value": refused.value, "limit": refused.limit, "seq": found.seq}
    return {"approved": True, "seq": found.seq}


def _intent(found: Origin, inst: Instrument | None) -> dict[str, Any]:
    place = found.place
    price, size = (inst.px_text, inst.qty_text) if inst is not None else (str, str)
    return {
        "side": place.side.name,
        "size": size(place.qty),
        "price": price(place.px),
        "tif": place.tif,
        "post_only": place.post_only,
        "stop": price(place.stop) if place.stop else None,
        "reason": place.reason,
        "because": dict(place.because),
    }


def _event(event: Event) -> dict[str, Any]:
    kind = type(event).__name__
    if isinstance(event, (Frame, Answer)):
        return {"kind": kind, "text": event.data.decode(errors="replace")}
    return {"kind": kind, "text": msgspec.json.encode(event).decode()}


def _answer(event: Event, inst: Instrument | None) -> dict[str, Any]:
    if isinstance(event, Fill):
        price, size = (inst.px_text, inst.qty_text) if inst is not None else (str, str)
        return {"what": "filled", "size": size(event.qty), "price": price(event.px), "fee": f"{event.fee:f}",
                "maker": event.maker}  # fmt: skip
    if isinstance(event, Ended):
        return {"what": event.why}
    assert isinstance(event, Accepted)
    return {"what": "accepted"}


def describe(found: dict[str, Any]) -> str:
    """The same for a person: read it from the order back to the message that caused it."""
    verdict, intent, event = found["verdict"], found["intent"], found["event"]
    simulated = "SIMULATED MARKET · " if found["simulated"] else ""
    order = found["order"] or "an order that risk refused"
    flags = intent["tif"] + (", post-only" if intent["post_only"] else "")
    stop = f", stop {intent['stop']}" if intent["stop"] else ""
    lines = [
        f"{order}: {intent['side']} {intent['size']} {found['symbol']} at {intent['price']} ({flags}){stop}",
        f"  {simulated}{found['session']} ({found['state']})",
    ]
    lines += [
        f"  ← venue    entry {answer['seq']:,} {_time(answer['at'])} {_said(answer)}"
        for answer in reversed(found["after"])
    ]
    if (cancel := found["cancel"]) is not None:
        lines.append(f"  ← cancel   entry {cancel['seq']:,} {_time(cancel['at'])} asked by ourselves")
    if verdict["approved"]:
        lines.append(f"  ← verdict  entry {verdict['seq']:,} approved by every rule of the risk gate")
    else:
        lines.append(
            f"  ← verdict  entry {verdict['seq']:,} REFUSED: {verdict['code']} "
            f"({verdict['value']:g} against the limit {verdict['limit']:g})"
        )
    opened = f"; leaves the position that {found['opened_by']} opened" if found["opened_by"] else ""
    lines.append(f"  ← intent   “{intent['reason']}”{opened}: {plain(intent['because']) or 'no numbers'}")
    if (signal := found["signal"]) is not None:
        lines.append(
            f"  ← signal   {signal['id']}, entry {signal['seq']:,} {_time(signal['at'])}: {signal['side']} at "
            f"{signal['entry']}, stop {signal['stop']}, target {signal['target']}, net target "
            f"{signal['net_target_bps']:+.1f} bps, pays above {100 * signal['break_even']:.0f} % wins"
        )
        lines += [f"               {reason}" for reason in signal["reasons"]]
    text = event["text"]
    text = "".join(c if c.isprintable() else "?" for c in text[:SHOWN]) + ("…" if len(text) > SHOWN else "")
    lines.append(f"  ← event    entry {event['seq']:,} {_time(event['at'])} {event['kind']}: {text}")
    session = Path(found["session"]).name
    lines.append(f"  the state there: ./run replay {session} --to {event['seq']}   (--pdb: step into the decision)")
    return "\n".join(lines)


def _said(answer: dict[str, Any]) -> str:
    if "fee" not in answer:
        return str(answer["what"])
    role = "maker" if answer["maker"] else "taker"
    return f"filled {answer['size']} at {answer['price']}, fee {answer['fee']} ({role})"


def _time(stamp: str) -> str:
    return stamp[11:23]
