"""The health line: what must always be visible, every state with a word of its own."""

from __future__ import annotations

from collections import Counter

from rich.text import Text

from desk.io.console.cells import COLOURS, DIM, clean, clock, micros, money, span
from desk.io.console.words import mood
from desk.projections.screen import BookRow, Screen

DOLLARS = ("USD", "USDT", "USDC", "USDG", "PYUSD", "DAI")
OLD_MS, STALE_MS = 5_000.0, 10_000.0
PICTURE_OLD_S = 3.0


def health(screen: Screen, silent_s: float = 0.0) -> list[Text]:
    """The fields of the health line. `silent_s`: how long ago the picture came."""
    live = "live" in screen.mode.lower()
    fields = [Text("LIVE", "bold white on red") if live else Text("PAPER", "bold cyan")]
    if screen.simulated:
        fields.append(Text("SIMULATED MARKET", "bold yellow"))
    if silent_s >= PICTURE_OLD_S:
        fields.append(Text(f"THIS PICTURE IS {span(silent_s)} OLD", "bold red"))
    fields += [
        _field("venue", screen.venue_status or "unknown", mood(screen.venue_status or "unknown")),
        _link(screen),
        _books(screen),
        _age(screen),
        _orders(screen),
        _exposure(screen),
        _field("breaker", screen.breaker, mood(screen.breaker)),
        _journal(screen),
        _clock(screen),
    ]
    return fields


def summary(screen: Screen) -> list[Text]:
    """The second rank, most wanted first: what runs, with what result, since when, at what pace."""
    fields = [
        Text.assemble(f"{clock(screen.ts)} UTC", (f" {clean(screen.mode, 20)} on {clean(screen.feed, 40)}", DIM)),
        Text.assemble(("PnL ", DIM), money(screen.pnl_quote, money_sign(screen)), (" net of fees", DIM)),
        Text.assemble(("running ", DIM), span(screen.elapsed_s)),
        Text.assemble(("orders ", DIM), f"{screen.orders:,}", (" fills ", DIM), f"{screen.fills:,}"),
        Text.assemble(("frames ", DIM), f"{screen.frames:,}", (f" ({screen.frames_per_s:,.0f}/s)", DIM)),
    ]
    if screen.analyst:
        fields.append(Text.assemble(("analyst ", DIM), clean(screen.analyst, 60)))
    if screen.fee_tier:
        fields.append(Text.assemble(("fees ", DIM), clean(screen.fee_tier, 60)))
    return fields


def money_sign(screen: Screen) -> str:
    """ "$" when everything is quoted in dollars of some kind, nothing otherwise."""
    quotes = {row.symbol.partition("/")[2] for row in screen.symbols}
    return "$" if quotes and all(quote in DOLLARS for quote in quotes) else ""


def _field(name: str, value: str, how: str) -> Text:
    return Text.assemble((f"{name} ", DIM), (clean(value, 40), COLOURS[how]))


def _link(screen: Screen) -> Text:
    up = screen.link_up_pct
    how = "good" if up >= 99 else "pending" if up >= 90 else "bad"
    return _field("link", f"{up:.1f} %" + ("" if how == "good" else " up"), how)


def _books(screen: Screen) -> Text:
    if not screen.books:
        return _field("book", "none yet", "pending")
    states = Counter(book.state for book in screen.books)
    total, good = len(screen.books), states["SYNCED"]
    rest = ", ".join(f"{count} {clean(state, 20)}" for state, count in states.items() if state != "SYNCED")
    how = (
        "good"
        if good == total
        else max((mood(book.state) for book in screen.books), key=("good", "pending", "bad").index)
    )
    text = "SYNCED" if good == total else f"{good} of {total} SYNCED, {rest}" if total > 1 else rest.partition(" ")[2]
    proof, bad = _proof(screen.books)
    return Text.assemble(
        ("books " if total > 1 else "book ", DIM), (text, COLOURS[how]), (proof, "yellow" if bad else DIM)
    )


def _proof(books: tuple[BookRow, ...]) -> tuple[str, int]:
    """What vouches for the books, in words, and how often it did not."""
    if books[0].proof == "checksum":
        ok, bad, name, fault = sum(b.crc_ok for b in books), sum(b.crc_bad for b in books), "CRC", "bad"
    elif books[0].proof:
        ok, bad, name, fault = sum(b.seq_ok for b in books), sum(b.gaps for b in books), "sequence", "gaps"
    else:
        return " (no checksum at this venue: unverified)", 1
    proved = [book.proved_ms for book in books if book.proved_ms is not None]
    when = f"{_ago(max(proved))} ago" if proved else f"{ok:,}"
    return f" ({name} ok {when}" + (f", {fault} {bad:,})" if bad else ")"), bad


def _age(screen: Screen) -> Text:
    ages = [book.age_ms for book in screen.books if book.age_ms is not None]
    if not ages:
        return _field("age", "not known", "pending")
    worst = max(ages)
    word, how = (" STALE", "bad") if worst >= STALE_MS else (" old", "pending") if worst >= OLD_MS else ("", "good")
    return _field("age", _ago(worst) + word, how)


def _ago(ms: float) -> str:
    return f"{ms:,.0f} ms" if ms < 1_000 else micros(ms * 1_000)


def _orders(screen: Screen) -> Text:
    return Text.assemble(
        ("orders ", DIM),
        f"{screen.orders_open:,} open ",
        (f"{screen.orders_unknown:,} unknown", "bold red" if screen.orders_unknown else ""),
    )


def _exposure(screen: Screen) -> Text:
    dollar, limit = money_sign(screen), screen.exposure_limit
    used = screen.exposure / limit if limit else 0.0
    style = "bold red" if used > 1 else "yellow" if used > 0.9 else ""
    word = " OVER THE LIMIT" if used > 1 else ""
    ceiling = f"/{dollar}{limit:,.0f}" if limit else ""
    return Text.assemble(("exposure ", DIM), (f"{dollar}{screen.exposure:,.0f}{ceiling}{word}", style))


def _journal(screen: Screen) -> Text:
    field = _field("journal", screen.journal_state, mood(screen.journal_state))
    return field.append(f" (seq {screen.journal_seq:,})", DIM)


def _clock(screen: Screen) -> Text:
    ms, within, state = screen.clock_ms, screen.clock_pm_ms, screen.clock_state
    if ms is None:
        return _field("clock", "not measured", "pending")
    how = {"ok": "good", "WRONG": "bad"}.get(state, "pending")
    width = "" if within is None else f" ± {within:,.0f}"
    word = "" if state == "ok" else f" {state}"
    return _field("clock", f"{'+' if ms >= 0 else '−'}{abs(ms):,.0f} ms{width}{word}", how)
