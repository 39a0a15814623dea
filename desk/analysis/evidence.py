"""What is known about whether the score has ever been right: structures only, filled in by desk/research.

Returns and edges are in basis points of the position, for one trade that follows the sign of a value and is held for
the horizon. Intervals are 95 %. A number that was not measured is None, and a `why` beside it says so.
"""

from __future__ import annotations

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """An estimate of `n` observations with the 95 % interval around it."""

    value: float
    low: float
    high: float
    n: int


class Window(msgspec.Struct, frozen=True):
    """One step of a walk forward: what was chosen before `begin` (ns) and how it did from there to `end`.

    `threshold`: the |value| from which a trade was taken, chosen on days whose outcome was known before `begin`.
    `edge_bps`: mean gross result of the trades opened from `begin` to `end`.
    """

    begin: int
    end: int
    threshold: float
    trades: int
    edge_bps: float | None


class Control(msgspec.Struct, frozen=True):
    """The IC of `n` placebos of a value, which cannot know anything: `low`..`high` holds 95 % of them.

    `kind`: "sign-shuffled" (a random sign on every day) or "shifted" (moved round the days by a random time, its memory
    kept). `as_far`: share of placebos, the value itself among them, whose IC lies as far from 0 as the value's: near 0
    where it stands out. `quiet`: share of them with |t| < 2; 95 % where the t values are worth their name.
    """

    kind: str
    n: int
    low: float
    high: float
    as_far: float
    quiet: float


class IcAfter(msgspec.Struct, frozen=True):
    """The IC against the return over so many days, with Newey–West's interval; `independent` returns do not overlap.

    None below 30 of those.
    """

    days: int
    ic: Interval | None
    independent: int


class Fade(msgspec.Struct, frozen=True):
    """How the IC of one value fades with the horizon: the days in which it halves beyond its peak, and the interval.

    `half_life` None: it cannot be told, and `why` says so; `high` None: the days do not bound it. `word` as in `Skill`.
    """

    key: str
    name: str
    after: tuple[IcAfter, ...]
    half_life: float | None = None
    low: float | None = None
    high: float | None = None
    peak: int | None = None
    word: str = "NOT MEASURED"
    why: str = ""


class Skill(msgspec.Struct, frozen=True):
    """The record of one value (the score or one of its terms) at one horizon, out of sample.

    `ic`: rank correlation with the return that followed, and `controls` that of placebos. `hit`: how often trades that
    do not overlap went the right way, Wilson. `edge_bps`: mean gross result of a trade, `net_bps` after the round trip
    at the user's tier; `hold_bps`: what the market itself did over the horizon, the mean of all tested days. `t`:
    Newey–West, of the net. `sharpe`: per day, net; `psr`: probability that the true one is above 0; `dsr`: above what
    the best of `Evidence.trials` tries gives by chance; `days_needed`: days from which this Sharpe would be
    significant, None when it is not above 0. `word`: MEASURED | INSUFFICIENT DATA | NOT MEASURED.
    """

    key: str
    name: str
    horizon_days: int
    trades: int
    ic: Interval | None = None
    hit: Interval | None = None
    edge_bps: Interval | None = None
    net_bps: Interval | None = None
    hold_bps: float | None = None
    t: float | None = None
    sharpe: float | None = None
    psr: float | None = None
    dsr: float | None = None
    days_needed: int | None = None
    word: str = "NOT MEASURED"
    why: str = ""
    windows: tuple[Window, ...] = ()
    controls: tuple[Control, ...] = ()


class PastDay(msgspec.Struct, frozen=True):
    """A day that looked like now. `distance`: in standard deviations per feature; `after_bps`: by horizon in days."""

    ts: int
    distance: float
    score: float
    after_bps: dict[str, float]


class Nearest(msgspec.Struct, frozen=True):
    """The past days nearest to now, nearest first, and what followed.

    By horizon in days: `up` is the share that rose after them (Wilson), `up_always` that of all past days, `mean_bps`
    the mean return after them with its bootstrap interval. `usual`: the share (0..1) of past days that were farther
    from their own nearest days than now is from these: near 0, today has no likeness and they say little.
    """

    days: tuple[PastDay, ...]
    features: tuple[str, ...]
    up: dict[str, Interval]
    up_always: dict[str, float]
    mean_bps: dict[str, Interval]
    usual: float


class ScenarioRecord(msgspec.Struct, frozen=True):
    """Odds of one kind of scenario, given on past days from the days before them, against what happened.

    `said`: mean of the odds (0..1); `happened`: how often it came, Wilson. `brier`: mean (odds − outcome)², lower is
    better; `model_brier`: the same of the odds of a walk without drift.
    """

    kind: str
    said: float
    happened: Interval
    brier: float
    model_brier: float


class Evidence(msgspec.Struct, frozen=True):
    """The whole record of one symbol: `begin`..`end` (ns) is what was traded out of sample, over `days` days.

    `trials`: variants ever tried that the deflated Sharpe answers for. `pbo`: the probability that the variant best in
    one half of the days is below the middle in the other (CSCV). `threshold`: the |score| from which the rule chosen on
    all known days takes a side now. `scenarios`: one record per kind, empty below 60 days to learn from and 30 to test.
    `why`: what is missing.
    """

    begin: int
    end: int
    days: int
    cost_bps: float
    trials: int
    pbo: float | None
    skills: tuple[Skill, ...]
    nearest: Nearest | None
    threshold: float | None = None
    why: str = ""
    scenarios: tuple[ScenarioRecord, ...] = ()
    fades: tuple[Fade, ...] = ()
    loud: tuple[int, ...] = ()  # horizons in days at which placebos had |t| ≥ 2 more often than chance allows
