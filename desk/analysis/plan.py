"""What a report plans, how a plan is graded, and what a report changes: structures only. Prices in quote currency,
times in ns."""

from __future__ import annotations

import msgspec


class Reaction(msgspec.Struct, frozen=True):
    """How often the price turned at one kind of level on past days, against random levels at the same distances.

    A level known at the start of a day is touched within that day; it held when the price then moved `REACTS_ATR` back
    before it moved as far beyond. `n` touches that were decided, `held` of them, `rate` with its Wilson interval
    (`low`, `high`); `random_rate` of `random_n` touches. `difference` = rate − random_rate with Newcombe's interval.
    Shares 0..1; None where nothing was touched. `word`: MEASURED | INSUFFICIENT DATA | NOT MEASURED.
    """

    kind: str
    n: int
    held: int
    rate: float | None
    low: float | None
    high: float | None
    random_n: int
    random_rate: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    word: str
    says: str


class Scenario(msgspec.Struct, frozen=True):
    """One of three ways until `expires`; their probabilities add up to 100.

    bull, bear: that its trigger is the first of the two to be reached; range: that neither is. After the trigger the
    scenario ends at `target` or at one of `invalidation`, whichever comes first. `trigger` and `target` are None for
    the range, which holds already and is over at either end. `basis`: "past days alike" | "past days" | "model"; `n`
    past days, of which `low_pct`..`high_pct` is the Wilson interval (None for the model). `size_factor`: what hybrid
    mode makes of scalps in this direction (range: of both) while the bias holds.
    """

    kind: str
    trigger: float | None
    trigger_kind: str
    path: tuple[float, ...]
    target: float | None
    target_kind: str
    invalidation: tuple[float, ...]
    probability_pct: int
    basis: str
    n: int
    low_pct: float | None
    high_pct: float | None
    size_factor: float
    expires: int
    stand_aside: str


class EntryZone(msgspec.Struct, frozen=True):
    """Where an entry would have its stop and its target; whether to take it is the verdict's business.

    `side` "long" | "short"; the zone is `low`..`high` around a level, `stop` 1.5 ATR14 of `atr_interval` beyond
    `entry`. `reward` = target distance / stop distance. `timing`: JOIN | WAIT | ABORT from the order book's average, or
    "no book: no timing".
    """

    side: str
    low: float
    high: float
    entry: float
    kind: str
    stop: float
    stop_pct: float
    target: float
    target_pct: float
    target_kind: str
    reward: float
    atr_interval: str
    timing: str
    timing_why: str


class Line(msgspec.Struct, frozen=True):
    """One line of a plan and what became of it. `what`: level | scenario | entry | bias.

    `outcome`: level held | broken | untouched | open | at the price; scenario target | invalidated | expired | not
    triggered | held | left | open | undecided; entry target | stopped | expired | not reached | open | undecided; bias
    right | wrong | no side | open. `at`: when it was decided (close of the candle), None when it was not. `move_bps`:
    close to close from the plan, for the bias.
    """

    what: str
    name: str
    price: float | None
    outcome: str
    at: int | None = None
    move_bps: float | None = None


class Grade(msgspec.Struct, frozen=True):
    """A plan against the candles that followed it, line by line.

    `until`: end of the candles used; `candles`: their interval. `happened`: bull | bear | range, empty while open or
    undecided; `brier` = Σ (p − o)² over the three scenarios, 0 best, 2 worst. `random_held` of `random_touched` random
    levels at the same distances, drawn with the plan's own time as seed. `why` says what could not be graded.
    """

    ts: int
    expires: int
    until: int
    candles: str
    lines: tuple[Line, ...]
    happened: str
    probabilities: tuple[int, ...]
    brier: float | None
    held: int
    touched: int
    random_held: int
    random_touched: int
    bias_right: bool | None
    move_bps: float | None
    why: str = ""


class Share(msgspec.Struct, frozen=True):
    """`hits` of `n` with the Wilson interval, 0..1; None without any."""

    hits: int
    n: int
    rate: float | None
    low: float | None
    high: float | None


class Scoreboard(msgspec.Struct, frozen=True):
    """The last plans together, newest first, at most 30, at least 20 hours apart.

    `brier` is the mean over `graded` plans; `base_brier` that of always saying how often each scenario happened in
    these same plans, which no forecaster knew: a hard yardstick. `skill` = 1 − brier/base_brier, above 0 is better than
    it. `likeliest`: how often the scenario called likeliest happened. `rows`: each plan's time, outcome and Brier.
    """

    plans: int
    graded: int
    brier: float | None
    base_brier: float | None
    skill: float | None
    likeliest: Share
    levels: Share
    random: Share
    bias: Share
    word: str
    rows: tuple[tuple[int, str, float | None], ...] = ()


class Moved(msgspec.Struct, frozen=True):
    """One number in two reports, None where not known. `what`: score | term (both −100..+100) | scenario (%)."""

    what: str
    name: str
    before: float | None
    now: float | None


class Reworded(msgspec.Struct, frozen=True):
    """One word in two reports, "" where there was none. `what`: verdict | description | bias | regime."""

    what: str
    name: str
    before: str
    now: str


class Listed(msgspec.Struct, frozen=True):
    """A level as one of the two reports has it."""

    price: float
    kind: str


class Changes(msgspec.Struct, frozen=True):
    """What differs between the report before, of `ts` (ns), and this one; equal numbers and words are listed too.

    `last`: the price then; `move_pct` since. Levels are the same within 0.15 daily ATR: `appeared` are in this report
    only, `went` in the one before only, `passed` are levels of the one before that lie between its price and today's.
    Each from high to low.
    """

    ts: int
    last: float
    move_pct: float | None
    numbers: tuple[Moved, ...]
    words: tuple[Reworded, ...]
    appeared: tuple[Listed, ...]
    went: tuple[Listed, ...]
    passed: tuple[Listed, ...]
