"""What stops all new risk by itself, and how it ends.

    daily loss        2 % of the day's starting equity   until the next UTC day, or a person
    drawdown          5 % below peak equity              until a person re-arms
    equity unknown    a mark is missing                  until a person re-arms
    losing streak     5 net losses in a row              cool-down of 300 s, then the count starts again
    paused, killed    a person                           until a person resumes (killed: with a reason)

The numbers are the configuration's defaults. Exits and cancels pass in every state (desk.risk.gate).
"""

from __future__ import annotations

import msgspec

from desk.risk.account import Account
from desk.risk.rules import Limits, drawdown_pct, loss_pct


class Change(msgspec.Struct, frozen=True, gc=False):
    """Something a person should know: becomes a Tell. `level`: "info" | "alarm"."""

    level: str
    code: str
    text: str


def watch(account: Account, limits: Limits, now: int) -> Change | None:
    """Trip what must trip, end the cool-down that is over; what changed, or None.

    Ask after every change of equity and every closed trade, and a few times a second for the cool-down's end.
    """
    tripped = _trip(account, limits) if account.halted in ("", "paused") else None
    if tripped is not None:
        account.halt(tripped.code.lower(), tripped.text)
        return tripped
    if account.cooldown_until:
        if now < account.cooldown_until:
            return None
        account.streak = account.cooldown_until = 0
        return Change("info", "COOL_DOWN_OVER", "cool-down over: entries allowed again")
    if account.streak >= limits.max_losses:
        account.cooldown_until = now + limits.cooldown_ns
        return Change(
            "alarm",
            "LOSING_STREAK",
            f"{account.streak} losing trades in a row: no entries for {limits.cooldown_ns / 1e9:.0f} s",
        )
    return None


def _trip(account: Account, limits: Limits) -> Change | None:
    for quote, purse in account.purses.items():
        loss, fallen = loss_pct(purse), drawdown_pct(purse)
        if loss <= limits.daily_loss_pct and fallen <= limits.max_drawdown_pct:
            continue
        name = f"{quote} account: " if quote else ""
        if not (loss <= limits.daily_loss_pct):
            if loss != loss:
                return Change("alarm", "EQUITY_UNKNOWN", f"{name}equity is unknown: no entries until re-armed")
            return Change(
                "alarm", "DAILY_LOSS", f"{name}{loss:.2f} % lost today, limit {limits.daily_loss_pct:g} %: no entries"
            )
        return Change(
            "alarm",
            "DRAWDOWN",
            f"{name}{fallen:.2f} % below the peak, limit {limits.max_drawdown_pct:g} %: no entries until re-armed",
        )
    return None
