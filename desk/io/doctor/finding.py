"""What a check answers, and how answers are shown."""

from __future__ import annotations

import io
from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.text import Text


class Finding(msgspec.Struct, frozen=True):
    """One look at one thing. `state`: "ok" | "warn" | "bad"; `fix` is what to do, "" when nothing is to be done."""

    name: str
    state: str
    text: str
    fix: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when nothing is bad, 1 otherwise: a warning does not stop a script."""
    return int(any(finding.state == "bad" for finding in findings))


def render(findings: list[Finding], color: bool = False, width: int = 100) -> str:
    """The findings as text, every state a word; with `color`, the same with colours.

    >>> print(render([Finding("disk", "warn", "1.2 GB free", "free some space")]))
    warn  disk       1.2 GB free
                     → free some space
    1 thing to look at, nothing that stops you.
    """
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, color_system="truecolor" if color else None)
    margin = max((len(finding.name) for finding in findings), default=0)
    margin = max(margin, 9)
    styles = {"ok": "green", "warn": "yellow", "bad": "bold red"}
    for finding in findings:
        head = Text.assemble((f"{finding.state:<4}", styles[finding.state]), f"  {finding.name:<{margin}}  ")
        _indented(console, head, finding.text, "")
        if finding.fix:
            _indented(console, Text(" " * (margin + 8)), f"→ {finding.fix}", "cyan")
    console.print(Text(_verdict(findings), "bold"))
    return out.getvalue().rstrip("\n")


def _indented(console: Console, head: Text, body: str, style: str) -> None:
    """The body beside its head; its further lines, and those that are too long, stand below each other."""
    room = max(console.width - head.cell_len, 20)
    for part in body.splitlines() or [""]:
        for line in Text(_clean(part), style).wrap(console, room):
            line.rstrip()
            console.print(head + line, soft_wrap=True)
            head = Text(" " * head.cell_len)


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _verdict(findings: list[Finding]) -> str:
    bad, warn = (sum(finding.state == state for finding in findings) for state in ("bad", "warn"))
    things = f"{warn} thing{'s' if warn != 1 else ''} to look at"
    if bad:
        return f"{bad} thing{'s' if bad != 1 else ''} to repair first" + (f", {things}." if warn else ".")
    return f"{things}, nothing that stops you." if warn else "All is well."
