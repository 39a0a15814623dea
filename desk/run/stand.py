"""`./run replay SESSION --to SEQ`: the same engine in the same state as after that entry, to look at or to debug."""

from __future__ import annotations

import pdb
from collections.abc import Callable
from pathlib import Path
from typing import Any

from desk.engine import Engine
from desk.errors import ConfigError, JournalError
from desk.events import Start
from desk.instrument import Instrument
from desk.io import sessions
from desk.journal import Entry, same
from desk.market.state import Market
from desk.messages import Side
from desk.wire.stamps import format_ns

LEVELS = 5


def stand(folder: Path, to: int, build: Callable[[Start], Engine], debug: bool = False) -> dict[str, Any]:
    """The engine's state right after entry `to` (the command's JSON), and whether its answer was the recorded one.

    With `debug` the debugger stops at the call that handles this entry. Raises ConfigError when the session has no such
    entry, JournalError when it cannot be read or does not begin with its manifest.
    """
    engine: Engine | None = None
    last = 0
    for entry in sessions.stream(folder, everything=True):
        if engine is None:
            if not isinstance(entry.event, Start):
                raise JournalError(f"{folder}: the journal does not begin with a session's manifest")
            engine = build(entry.event)
        last = entry.seq
        if last < to:
            engine.step(entry.event)
            continue
        effects = _stopped(engine, entry) if debug else engine.step(entry.event)
        state = describe_engine(engine)
        state["event"] = {"kind": type(entry.event).__name__, "text": f"{entry.event!r:.2000}"}
        state["effects"] = [f"{effect!r:.2000}" for effect in effects]
        return {"session": str(folder), **state, "equal": same(effects, entry.effects)}
    raise ConfigError([f"--to {to}: {folder} ends at entry {last}"])


def _stopped(engine: Engine, entry: Entry) -> list[Any]:
    """Stop before the engine handles an entry: `s` steps into the decision, `c` goes on, `engine` is at hand."""
    event, recorded = entry.event, entry.effects
    print(f"entry {entry.seq}: {type(event).__name__}; recorded answer {recorded!r:.400}")  # noqa: T201
    pdb.set_trace()
    return engine.step(event)


def describe_engine(engine: Engine) -> dict[str, Any]:
    """Books, indicators, score components, positions, orders and latches, as JSON."""
    account = engine.account
    return {
        "seq": engine.seq,
        "at": format_ns(engine.now, 9),
        "symbols": {inst: _symbol(engine, market) for inst, market in engine.watch.markets.items()},
        "orders": {
            order_id: {"inst": p.inst, "side": p.side.name, "lots": p.qty, "ticks": p.px, "reason": p.reason}
            for order_id, p in account.open_orders.items()
        },
        "accounts": {
            quote: {"equity": str(engine.portfolio.equity(quote)), "pnl": str(engine.portfolio.pnl(quote))}
            for quote in engine.quotes
        },
        "breaker": account.state(engine.now),
        "losses_in_a_row": account.streak,
        "flattening": engine.flattening,
        "clock": engine.watch.time.state.value,
        "biases": {symbol: {"score": b.score, "expires": format_ns(b.expires)} for symbol, b in engine.biases.items()},
    }


def _symbol(engine: Engine, market: Market) -> dict[str, Any]:
    market.now = engine.now
    inst, score = market.instrument, engine.watch.scores.get(market.inst)
    position = engine.portfolio.position(market.inst)
    numbers: dict[str, float] = {}
    for seat in engine.seats:
        numbers |= seat.strategy.numbers(market.inst)
    return {
        "book": {
            channel: {"state": track.state.value, "why": track.why, "crc_ok": track.crc_ok, "crc_bad": track.crc_bad,
                      "bids": ladder(market, channel, Side.BUY, inst), "asks": ladder(market, channel, Side.SELL, inst)}
            for channel, track in market.tracks.items()
        },
        "ready": market.why or "yes",
        "age_ms": market.age_ns / 1e6,
        "score": None if score is None else {
            "total": score.total, "label": score.label, "imbalance": score.imbalance, "order_count": score.order_count,
            "spread": score.spread, "tier": score.tier,
        },
        "numbers": numbers,
        "bars": len(market.bars.closed),
        "position": {"lots": position.qty, "realised": str(position.realised), "fees": str(position.fees)},
    }  # fmt: skip


def ladder(
    market: Market, channel: str, side: Side, inst: Instrument | None, count: int = LEVELS
) -> list[tuple[str, str, int]]:
    """(price, quantity, orders) of the best levels, best first, as the venue writes them; none before it says how."""
    if inst is None:
        return []
    levels = market.tracks[channel].book.levels(side, count)
    return [(inst.px_text(px), inst.qty_text(qty), orders) for px, qty, orders in levels]


def describe(found: dict[str, Any]) -> str:
    """The same for a person."""
    verdict = "the recorded answer" if found["equal"] else "ANOTHER ANSWER THAN THE RECORDED ONE"
    lines = [
        f"{found['session']} after entry {found['seq']:,} ({found['at']}): {verdict}",
        f"  event    {found['event']['kind']}: {_line(found['event']['text'], 200)}",
        *(f"  answer   {_line(effect, 300)}" for effect in found["effects"]),
        f"  breaker  {found['breaker']}, {found['losses_in_a_row']} losses in a row, clock {found['clock']}",
        *(f"  account  {quote}: equity {a['equity']}, PnL {a['pnl']}" for quote, a in found["accounts"].items()),
        *(
            f"  order    {name}: {o['side']} {o['lots']} lots of {o['inst']} at {o['ticks']} ticks ({o['reason']})"
            for name, o in found["orders"].items()
        ),
    ]
    for inst, s in found["symbols"].items():
        lines.append(f"  {inst}: ready {s['ready']}, age {s['age_ms']:.0f} ms, position {s['position']['lots']} lots")
        for channel, book in s["book"].items():
            lines.append(
                f"    {channel}: {book['state']} {book['why']} (CRC ok {book['crc_ok']}, bad {book['crc_bad']})"
            )
            for name, levels in (("asks", reversed(book["asks"])), ("bids", book["bids"])):
                lines += [f"      {name} {px:>14} {qty:>18} {orders or '':>4}" for px, qty, orders in levels]
        if (score := s["score"]) is not None:
            counts = "–" if score["order_count"] is None else f"{score['order_count']:+.1f}"
            lines.append(
                f"    score {score['total']:+.2f} {score['label']} = imbalance {score['imbalance']:+.1f}, "
                f"orders {counts}, spread {score['spread']:+.1f} ({score['tier']})"
            )
        if s["numbers"]:
            lines.append("    " + ", ".join(f"{name} {value:.4g}" for name, value in s["numbers"].items()))
    return "\n".join(lines)


def _line(text: str, most: int) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:most]) + ("…" if len(text) > most else "")
