"""What the desk is worth from one price to the next, and the breakers that look at the result."""

from __future__ import annotations

from desk.intents import Tell
from desk.portfolio.portfolio import Portfolio
from desk.portfolio.position import quote_of
from desk.risk import breakers
from desk.risk.account import Account
from desk.risk.rules import Limits


class Valuation:
    """Keeps `account` told of what `portfolio` is worth; one account for each of `quotes`. Times in ns."""

    def __init__(self, portfolio: Portfolio, account: Account, limits: Limits, quotes: tuple[str, ...]) -> None:
        self.portfolio, self.account, self.limits, self.quotes = portfolio, account, limits, quotes
        for quote in quotes:
            portfolio.open(quote)

    def day(self, now: int) -> None:
        """Begin a new UTC day, when there is one; an account that has had none begins its first."""
        begins = self.account.new_day(now)
        for quote in self.quotes:
            if begins or quote not in self.account.purses:
                self.account.roll_day(now, self.portfolio.equity(quote), quote)

    def mark(self, inst: str, mid: float, now: int, seq: int) -> list[Tell]:
        """Value what we hold of `inst` at this price, in ticks; at the same price as before nothing changes."""
        if self.portfolio.marked_at(inst) == mid:
            return []
        self.portfolio.mark(inst, mid)
        self.account.marked(inst, mid)
        return self.anew(inst, now, seq)

    def anew(self, inst: str, now: int, seq: int) -> list[Tell]:
        """What we hold of `inst` has another quantity or price."""
        quote = quote_of(inst)
        self.account.valued(self.portfolio.equity(quote), quote)
        return self.judged(now, seq)

    def judged(self, now: int, seq: int) -> list[Tell]:
        """What the breakers say now."""
        change = breakers.watch(self.account, self.limits, now)
        return [] if change is None else [Tell(change.level, change.code, change.text, seq)]
