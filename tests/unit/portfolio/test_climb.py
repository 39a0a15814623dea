"""The tier that trading itself reaches, and the table of what every tier demands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from desk.config import KRAKEN_PRO, Fees
from desk.portfolio.climb import climb, tier_of
from desk.run.fee_table import command, describe, fee_table

NOW = 1_795_132_800_000_000_000


def test_seventy_five_round_trips_a_day_climb_to_the_half_million_tier_and_pay_the_way_there() -> None:
    """150,000 a day: one day at the entry tier, three at 100k, the rest at 500k; mean by hand."""
    found = climb(KRAKEN_PRO, 75, 1_000)
    assert found.volume == 4_500_000
    assert [(day, tier.volume) for day, tier in found.tiers] == [(0, 0.0), (1, 100_000.0), (4, 500_000.0)]
    assert found.maker_bps == pytest.approx((25 + 3 * 12 + 26 * 8) / 30)
    assert found.taker_bps == pytest.approx((40 + 3 * 22 + 26 * 18) / 30)
    assert found.reached == tier_of(KRAKEN_PRO, found.volume)


def test_earlier_volume_counts_and_drops_out() -> None:
    """A million of the month before holds its tier until little of it is left."""
    found = climb(KRAKEN_PRO, 1, 100, volume=1_000_000)
    assert [tier.volume for _, tier in found.tiers] == [500_000, 100_000, 50_000, 10_000]


@pytest.mark.parametrize("trips", [0.0, -1.0])
def test_no_trading_has_no_climb(trips: float) -> None:
    with pytest.raises(ValueError, match="trips and notional must be positive"):
        climb(KRAKEN_PRO, trips, 1_000)


TABLE = {  # signals.md of the design notes, section 8: cost in percent and break-even in percent, T/T, M/T, M/M
    0: ((0.804, 301), (0.652, 251), (0.500, 200)),
    10_000: ((0.704, 268), (0.552, 217), (0.400, 167)),
    50_000: ((0.484, 195), (0.382, 161), (0.280, 127)),
    100_000: ((0.444, 181), (0.342, 147), (0.240, 113)),
    500_000: ((0.364, 155), (0.262, 121), (0.160, 87)),
    10_000_000: ((0.204, 101), (0.102, 67), (0.000, 33)),
}


def test_the_table_of_the_specification_is_reproduced_for_every_tier() -> None:
    """Target 0.2 %, stop 0.1 %, spread 0.4 bps."""
    table = fee_table(Fees(), NOW, 75, 1_000, 0.2, 0.1, 0.4)
    found = [
        tuple((round(way["cost_pct"], 3), round(100 * way["break_even"])) for way in row["ways"].values())
        for row in table["tiers"]
    ]
    assert found == list(TABLE.values())
    assert round(table["yours"]["ways"]["taker/taker"]["target_at_55_pct"], 2) == 2.47
    text = describe(table)
    assert "day 1 from 0, day 2 from 100,000, day 5 from 500,000" in text
    assert "0.804 % → 301 %" in text


def test_the_command_reckons_with_the_configured_tier_and_the_numbers_asked_for(tmp_path: Path) -> None:
    """An account's own rates; a target that is not a number above 0 is refused."""
    path = tmp_path / "trading_config.json"
    path.write_text('{"fees": {"maker_bps": 1.0, "taker_bps": 2.0, "tier": "mine"}}')
    found = json.loads(command(["--config", str(path), "--target", "1", "--stop", "0.5", "--spread", "1e-9", "--json"]))
    assert (found["yours"]["tier"], found["target_pct"]) == ("mine", 1.0)
    assert found["yours"]["ways"]["maker/taker"]["break_even"] == pytest.approx((0.5 + 0.03) / 1.5)
    with pytest.raises(SystemExit):
        command(["--target", "0"])
