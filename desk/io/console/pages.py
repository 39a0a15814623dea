"""The pages behind the keys: one symbol whole, why not, help; and the bottom line that says what can be pressed."""

from __future__ import annotations

from rich.text import Text

from desk.io.console.cells import COLOURS, DIM, TITLE, bar, clean, clock, number, said, share, signed
from desk.io.console.grid import Column, flow, grid
from desk.io.console.health import health
from desk.io.console.keys import DESK, HELP, KEYS_HELP, WHY, Keys
from desk.io.console.words import short, whole
from desk.projections.codes import bare
from desk.projections.screen import Detail, Screen

WORDY = 100  # from here on a gate that says no shows its numbers in its row
LADDER = 44  # cells of the book beside the rest
QUESTIONS = {
    "kill": "KILL: cancel every order, no entries until re-armed. Sure? y / n",
    "stop": "STOP the desk: orders are cancelled, positions stay. Sure? y / n",
}
STATES = {"passed": "good", "NO": "bad", "not asked": ""}


def footer(keys: Keys, screen: Screen | None, width: int) -> Text:
    """A question, the line being typed, or what can be pressed."""
    if keys.typed is not None:
        line = Text.assemble((": ", "bold cyan"), clean(keys.typed), ("▏", "bold cyan"))
        line.append("   Enter: do it   Esc: leave it", DIM)
    elif keys.asking:
        line = Text(QUESTIONS[keys.asking], "bold red" if keys.asking == "kill" else "bold yellow")
    else:
        paused = screen is not None and screen.latch
        names = [("p", "resume" if paused else "pause"), ("k", "kill"), ("↑↓", keys.chosen or "symbol")]
        names += [("d", "detail"), ("w", "why not"), (":", "command"), ("?", "help")]
        names.append(("q", "stop" if keys.page == DESK else "back"))
        line = Text("  ").join(Text.assemble((key, "bold"), (f" {clean(name, 20)}", DIM)) for key, name in names)
    line.truncate(width, overflow="ellipsis")
    return line


def page(keys: Keys, screen: Screen, width: int, height: int, silent_s: float = 0.0) -> list[Text]:
    """The page that is open as at most `height` lines, the health line always whole."""
    top = flow(health(screen, silent_s), width)
    if keys.page == HELP:
        lines = [_title("Keys", width), *(_help(key, words, width) for key, words in KEYS_HELP)]
    elif screen.detail is None or screen.detail.symbol != keys.chosen:
        lines = [_title(keys.chosen, width), Text("asking the run…", DIM)]
    elif keys.page == WHY:
        lines = why_page(screen.detail, width)
    else:
        lines = detail_page(screen.detail, width, height - len(top))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return top + lines[: max(height - len(top), 0)]


def why_page(found: Detail, width: int) -> list[Text]:
    """Every gate with its numbers, what the last look came to and what would have to change."""
    lines = [_title(f"{found.symbol}  why not", width)]
    verdict = Text("SIGNAL: every gate passed", "green") if found.now == "SIGNAL" else Text("nobody looked yet", DIM)
    if found.now not in ("", "SIGNAL"):
        verdict = Text.assemble((clean(bare(found.now), 40), "bold red"), f"  {clean(whole(found.now))}")
    if found.since:
        verdict.append(f"  since {clock(found.since)} UTC", DIM)
    lines += _wrapped(verdict, width)
    for code, text in found.latches.items():
        lines += _wrapped(Text(f"NO ENTRY WHATEVER THE SIGNAL: {clean(code, 40)}: {clean(text)}", "bold red"), width)
    columns = [
        Column("Gate", 0, 9),
        Column("State", 0, 9),
        Column("came", 1, 7, right=True),
        Column("stopped", 0, 7, right=True),
        Column("", 3, 8),
        Column("Numbers, or the last no", 0, 20, rest=True),
    ]
    rows = []
    for gate in found.gates:
        last = f"{short(gate.code)}" if gate.code else ""
        if gate.state == "not asked" and gate.code:
            last = f"last {clock(gate.code_at)}: {last}"
        words = " · ".join(w for w in (last if gate.state != "passed" else "", gate.text) if w)
        words = last if gate.state == "NO" and width < WORDY else words  # the calculation stands below
        rows.append(
            [
                said(gate.gate, "bold"),
                said(gate.state, COLOURS[STATES.get(gate.state, "")] or DIM, 12),
                number(gate.reached),
                number(gate.stopped),
                share(gate.stopped / gate.reached if gate.reached else 0.0),
                said(words, "" if gate.state == "NO" else DIM, 300),
            ]
        )
    lines += grid(columns, rows, width)
    counts = (
        f"{found.looks:,} looks, {found.signals:,} signals, {found.submitted:,} entries sent, {found.filled:,} traded"
    )
    lines.append(Text(counts, DIM))
    no = next((gate for gate in found.gates if gate.state == "NO"), None)
    for head, words in (("numbers", no.text if no else ""), ("to pass", found.change), ("do", found.remedy)):
        if words:
            lines += _wrapped(Text.assemble((f"{head}: ", TITLE), clean(words, 400)), width)
    if found.last_signal:
        lines += _wrapped(Text.assemble(("last signal: ", TITLE), (clean(found.last_signal, 600), DIM)), width)
    return lines


def detail_page(found: Detail, width: int, height: int) -> list[Text]:
    """Ladder, the score's parts, the strategy's numbers, orders; two columns where there is room."""
    narrow = width < 2 * LADDER
    ladder_width = width if narrow else LADDER
    left = _ladder(found, ladder_width, max(1, min(10, (height - 3) // (4 if narrow else 2))))
    right = _score(found) + _numbers(found, width if narrow else width - LADDER - 3)
    right += [Text(f"order {clean(order)}", "cyan") for order in found.working] or [Text("no working order", DIM)]
    lines = [_title(f"{found.symbol}  {found.tier}", width)]
    if narrow:
        return lines + left + right
    for i in range(max(len(left), len(right))):
        line = left[i].copy() if i < len(left) else Text()
        line.pad_right(max(LADDER - line.cell_len, 0))
        if i < len(right):
            line.append("   ").append_text(right[i])
        lines.append(line)
    return lines


def _ladder(found: Detail, width: int, rows: int) -> list[Text]:
    if not found.bids:
        return [Text("no proven book", "yellow")]
    columns = [
        Column("", 0, 3),
        Column("Price", 0, 11, right=True),
        Column("Quantity", 0, 14, right=True),
        Column("Orders", 1, 6, right=True),
    ]

    def cells(name: str, style: str, level: tuple[str, str, int]) -> list[Text]:
        px, qty, orders = level
        return [Text(name, style), said(px, style), said(qty), number(orders or None)]

    made = [cells("ask", "red", level) for level in reversed(found.asks[:rows])]
    made += [cells("bid", "green", level) for level in found.bids[:rows]]
    return grid(columns, made, width)


def _score(found: Detail) -> list[Text]:
    if not found.parts:
        return [Text("no order-book score", DIM)]
    lines = [Text("Score", TITLE)]
    known = [(n, v, w) for n, v, w in found.parts if v is not None]
    missing = sum(w for n, v, w in found.parts if v is None)  # counts nobody has: the imbalance carries their weight
    total = 0.0
    for name, value, weight in known:
        counts = weight + missing if name == "imbalance" else weight
        total += counts * value
        line = Text.assemble(f"{clean(name, 12):<12}", bar(value, 4), " ")
        line.append_text(_right(signed(value, 1), 7)).append(f" × {counts:.2f} = ", DIM)
        lines.append(line.append_text(_right(signed(counts * value, 1), 6)))
    lines.append(Text.assemble(f"{'sum':<12}", bar(total, 4), " ").append_text(_right(signed(total, 1), 7)))
    return lines


def _numbers(found: Detail, width: int) -> list[Text]:
    if not found.numbers:
        return [Text("not traded by a strategy: no indicators", DIM)]
    fields = [
        Text.assemble((f"{clean(name.removeprefix('of_technical_'), 20)} ", DIM), _short_number(value))
        for name, value in found.numbers.items()
        if not name.startswith("of_technical_")
    ]
    terms = [
        Text.assemble((f"{clean(name.removeprefix('of_technical_'), 20)} ", DIM), signed(value, 1))
        for name, value in found.numbers.items()
        if name.startswith("of_technical_")
    ]
    lines = [Text("Indicators (prices in ticks)", TITLE), *flow(fields, max(width, 20))]
    if terms:
        lines += [Text("Technical score, the terms that add up to it", TITLE), *flow(terms, max(width, 20), " + ")]
    return lines


def _short_number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.2f}"


def _right(text: Text, width: int) -> Text:
    text.pad_left(max(width - text.cell_len, 0))
    return text


def _wrapped(text: Text, width: int) -> list[Text]:
    """Broken into lines at spaces."""
    lines = [Text()]
    for word in text.split(" "):
        if lines[-1].cell_len and lines[-1].cell_len + 1 + word.cell_len > width:
            lines.append(Text())
        if lines[-1].cell_len:
            lines[-1].append(" ")
        lines[-1].append_text(word)
        lines[-1].truncate(width, overflow="ellipsis")
    return lines


def _help(key: str, words: str, width: int) -> Text:
    line = Text.assemble((f"{key:<10}", "bold"), words)
    line.truncate(width, overflow="ellipsis")
    return line


def _title(text: str, width: int) -> Text:
    line = Text.assemble((clean(text, 60), TITLE), " ")
    line.append("─" * max(width - line.cell_len, 0), DIM)
    line.truncate(width)
    return line
