"""trading_config.json: written once, read exactly, and every fault of a person named with its place."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.config import Config
from desk.errors import ConfigError
from desk.io.config_file import canonical, config_hash, load, parse, read, schema

DEFAULTS: dict[str, Any] = json.loads(msgspec.json.encode(Config()))


def faults(text: str | bytes) -> list[str]:
    """The fault lines of a file with this text; [] when it loads. Any other exception fails the test that asked."""
    try:
        parse(text if isinstance(text, bytes) else text.encode())
    except ConfigError as error:
        return error.faults or ["a ConfigError without a fault"]
    return []


def test_an_absent_file_is_written_with_the_defaults_and_read_back_equal(tmp_path: Path) -> None:
    """Breaks: the first start differs from the second."""
    path = tmp_path / "new" / "trading_config.json"
    assert load(path) == Config() == load(path) == read(path)
    text = path.read_text(encoding="utf-8")
    assert '\n  "risk": {\n    "equity_quote": 10000.0,' in text  # made for people
    assert text.endswith("}\n")
    assert [p.name for p in path.parent.iterdir()] == ["trading_config.json"]  # no draft is left behind


def test_a_file_that_is_there_is_never_rewritten(tmp_path: Path) -> None:
    """Breaks: a person's comments on spacing, or an edit made at the wrong moment, are lost."""
    path = tmp_path / "c.json"
    path.write_text('{ "time_zone":"Europe/Berlin" }')
    assert load(path).time_zone == "Europe/Berlin"
    assert path.read_text() == '{ "time_zone":"Europe/Berlin" }'


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a file system that refuses every write: /proc")
def test_where_nothing_can_be_written_the_defaults_are_in_force_and_one_line_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Breaks: a read-only container ends in a traceback."""
    told: list[str] = []
    assert load(Path("/proc/trading_config.json"), told.append) == Config()
    assert len(told) == 1
    assert re.fullmatch(r"/proc/trading_config.json: cannot be written \(.+\); the defaults are in force.*", told[0])
    assert load(Path("/proc/trading_config.json")) == Config()
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"riks": {}}', "unknown key `riks`; did you mean `risk`? - at `$`"),
        (
            '{"scalping_engine": {"per_trade": 0.002}}',
            "unknown key `per_trade`; did you mean `risk_per_trade`? - at `$.scalping_engine`",
        ),
        (
            '{"hft_signals": {"weights": {"spraed": 0.2}}}',
            "unknown key `spraed`; did you mean `spread`? - at `$.hft_signals.weights`",
        ),
        ('{"risk": {"stop_atr": 1}}', "unknown key `stop_atr`; it belongs in `$.scalping_engine` - at `$.risk`"),
        ('{"hybrid_mode": {"zzz": 1}}', "known here: trend_filter, morning_bias_update, scalp_signal_filtering"),
        ('{"risk": {"orders_per_s": "2"}}', 'from 1 up to 50, got the text "2"; take off the quotes'),
        ('{"risk": {"orders_per_s": 2.5}}', "expected a whole number from 1 up to 50, got 2.5"),
        ('{"risk": {"orders_per_s": true}}', "expected a whole number from 1 up to 50, got true"),
        ('{"risk": {"daily_loss_pct": 50}}', "above 0 up to 10, got 50 - at `$.risk.daily_loss_pct`"),
        ('{"risk": {"daily_loss_pct": -1}}', "above 0 up to 10, got -1"),
        ('{"risk": {"daily_loss_pct": NaN}}', "above 0 up to 10, got NaN"),
        ('{"risk": {"equity_quote": 1e999}}', "above 0, got Infinity"),
        ('{"risk": {"equity_quote": null}}', "got null - at `$.risk.equity_quote`"),
        ('{"risk": []}', "expected an object {…}, got a list […] - at `$.risk`"),
        ("[]", "expected an object {…}, got a list […] - at `$`"),
        (
            '{"scalping_engine": {"risk_per_trade": 0.5}}',
            "expected a number from 0.001 up to 0.005 (0.1 % to 0.5 %), got 0.5; it is a fraction: "
            "did you mean 0.005 (0.5 %)? - at `$.scalping_engine.risk_per_trade`",
        ),
        ('{"scalping_engine": {"max_break_even": 60}}', "did you mean 0.6 (60 %)?"),
        ('{"scalping_engine": {"enabled": 1}}', "expected true or false, got 1"),
        ('{"scalping_engine": {"symbols": []}}', "expected 1 to 200 entries, got 0"),
        ('{"scalping_engine": {"symbols": ["btc/usdt"]}}', "as \"BTC/USDT\" - at `$.scalping_engine.symbols[0]`"),
        ('{"scalping_engine": {"symbols": ["BTC/USDT\\n"]}}', "cannot be shown - at `$.scalping_engine.symbols[0]`"),
        ('{"scalping_engine": {"symbols": ["A/B", "A/B"]}}', "A/B is listed twice; keep one"),
        ('{"ultimate_analyzer": {"schedule": {"morning_analysis": "9:00"}}}', '"9:00" is not a time of day'),
        ('{"mode": "live"}', 'expected "paper", got the text "live" - at `$.mode`'),
        ('{"fees": {"embedded": "krakn"}}', 'did you mean "kraken"? - at `$.fees.embedded`'),
        ('{"venue": {"book_depth": 50}}', "expected 10 or 25 or 100 or 500 or 1000, got 50"),
        ('{"hft_signals": {"weights": {"spread": 0.5}}}', "weights must add up to 1 (these add up to 1.3)"),
        ('{"hft_signals": {"thresholds": {"strong": 10}}}', "strong (10) must be above moderate (20)"),
        ('{"hft_signals": {"fresh_s": 11}}', "fresh_s (11) must not be above stale_s (10)"),
        ('{"hft_signals": {"spread_ref_bps": {"BTC/USD": 1}}}', 'add "*"'),
        ('{"hft_signals": {"half_life": {"seconds": 10, "low": 4, "high": 12, "days": 6}}}', "be narrower than ±50 %"),
        ('{"hft_signals": {"half_life": {"seconds": 10, "low": 8, "high": 12, "days": 2}}}', "from 5, got 2"),
        ('{"hft_signals": {"spread_ref_bps": {"*": 0}}}', 'above 0, got 0 - at `$.hft_signals.spread_ref_bps["*"]`'),
        ('{"time_zone": "Europe/Berln"}', "is not a time zone; did you mean Europe/Berlin? - at `$.time_zone`"),
        ('{"time_zone": "new york"}', "did you mean America/New_York?"),
        ('{"time_zone": "../../etc/passwd"}', "is not a time zone"),
        ('{"time_zone": ""}', "is not a time zone"),
        ('{"venue": {"ws_url": "ws://example.org"}}', "starting with wss:// (ws:// only on this machine)"),
        ('{"venue": {"rest_url": "https://:x"}}', "is not an address starting with https://"),
        ('{"journal": {"dir": " "}}', "the name of a folder is needed - at `$.journal.dir`"),
        ('{"risk": {"daily_loss_pct": 1, "daily_loss_pct": 2}}', "`daily_loss_pct` is written twice; keep one"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_value_its_place_and_the_fix(text: str, fault: str) -> None:
    """Breaks: a typo is taken for a setting, or refused without saying where."""
    found = faults(text)
    assert len(found) == 1, found
    assert fault in found[0]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{\n  "risk": {\n    "orders_per_s": 2,\n  }\n}', "line 3, column 22: a comma before the closing `}`"),
        ('{"a": [1,]}', "line 1, column 9: a comma before the closing `]`"),
        ('{\n  "mode": "paper"\n  "risk": {}\n}', "line 2, column 18: a comma is missing here"),
        ('{"mode": "paper"', "line 1, column 17: a comma is missing here, or a bracket is not closed"),
        ("{'mode': 1}", "line 1, column 2: a key in single quotes"),
        ("{\n// mine\n}", "line 2, column 1: a comment; JSON has none"),
        ('{"mode": paper}', "line 1, column 10: "),
        ("", "the file is empty"),
        (b'{\n"mode": "\xff"}', "line 2: not UTF-8 (byte 0xff)"),
        ("[" * 100_000, "nested too deeply"),
        ('{"risk": {"equity_quote": ' + "9" * 5000 + "}}", "thousands of digits"),
        (b" " * 1_000_001, "longer than 1,000,000 bytes"),
    ],
)
def test_a_fault_of_syntax_has_its_line_and_column(text: str | bytes, fault: str) -> None:
    """Breaks: a forgotten comma costs a person minutes."""
    found = faults(text)
    assert len(found) == 1, found
    assert fault in found[0]


def test_all_faults_are_told_at_once() -> None:
    """Breaks: a person fixes and starts, fixes and starts, once per fault."""
    found = faults(
        '{"tme_zone": "UTC", "risk": {"daily_loss_pct": 99, "orders_per_s": "x"}, "time_zone": "Mars",'
        ' "hft_signals": {"weights": {"spread": 0.9}, "thresholds": {"strong": "high"}}}'
    )
    assert [re.sub(r".*at ", "", fault) for fault in found] == [
        "`$`",
        "`$.risk.daily_loss_pct`",
        "`$.risk.orders_per_s`",
        "`$.hft_signals.thresholds.strong`",  # and no second fault about an order that cannot be known
        "`$.hft_signals.weights`",
        "`$.time_zone`",
    ]


def test_a_secret_written_into_the_file_is_refused_and_not_repeated() -> None:
    """Breaks: a key pasted in the wrong place ends up in a terminal log."""
    (found,) = faults('{"venue": {"secret_env": "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow"}}')
    assert "revoke it - at `$.venue.secret_env`" in found
    assert "kQH5HW" not in found


def test_control_characters_of_a_file_never_reach_the_terminal() -> None:
    """Breaks: a crafted file recolours or rewrites the terminal of whoever opens it."""
    for text in (
        r'{"\u001b[31mred": 1}',
        r'{"mode": "\u001b]0;title\u0007"}',
        r'{"time_zone": "\ud800"}',
        r'{"fees": {"tier": "\u202egnp"}}',
        r'{"risk": {"x\nRun this: `rm`": 1}}',
    ):
        (found,) = faults(text)
        assert found.isprintable(), found
        found.encode()


def test_a_byte_order_mark_and_a_whole_number_for_a_float_are_fine() -> None:
    """Breaks: Notepad's files, and 2 instead of 2.0, are refused."""
    assert parse(b'\xef\xbb\xbf{"risk": {"daily_loss_pct": 2}}').risk.daily_loss_pct == 2.0


def test_a_folder_in_the_place_of_the_file_is_a_config_error(tmp_path: Path) -> None:
    """Breaks: a mount that went wrong ends in a traceback."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_the_hash_names_the_settings_and_not_their_spelling() -> None:
    """Breaks: a reproduced run seems to differ because keys were sorted, or seems equal although a limit was raised."""
    assert config_hash(parse(b'{"risk":{"max_gross_pct":60,"daily_loss_pct":2.0}}')) == config_hash(Config())
    assert config_hash(parse(b'{"risk":{"max_gross_pct":61}}')) != config_hash(Config())
    assert re.fullmatch(r"[0-9a-f]{16}", config_hash(Config()))
    assert parse(canonical(Config()).encode()) == Config()


def test_the_hash_is_the_same_in_another_process_with_another_hash_seed() -> None:
    """Breaks: the determinism contract: a manifest written today does not match tomorrow's run."""
    code = "from desk.config import Config; from desk.io.config_file import config_hash; print(config_hash(Config()))"
    env = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == config_hash(Config())


def test_the_schema_knows_every_section_with_its_description() -> None:
    """Breaks: an editor offers no completion, or an outdated one."""
    made = schema()
    assert set(made["$defs"]["Config"]["properties"]) == set(DEFAULTS)
    assert made["$defs"]["Risk"]["description"].startswith("Limits of the gate")
    assert made["$defs"]["Risk"]["properties"]["daily_loss_pct"]["maximum"] == 10.0
    json.dumps(made)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values of a JSON document."""
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [p for key, item in below for p in ((*path, key), *places(item, (*path, key)))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([0.5, 50, "paper"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(places(DEFAULTS)), JSON, st.booleans()), min_size=1, max_size=3))
def test_any_mutated_file_loads_or_names_a_place(changes: list[tuple[tuple[Any, ...], Any, bool]]) -> None:
    """Breaks: some value passes the walk and explodes later, or a fault has no place; msgspec's own strict decoder,
    the independent judge of types and ranges, accepts everything we accept."""
    document = copy.deepcopy(DEFAULTS)
    for (*parents, key), value, rename in changes:
        node: Any = document
        for parent in parents:
            node = node.get(parent, {}) if isinstance(node, dict) else {}
        if isinstance(node, dict):  # an earlier change may have put something else here
            node[f"{key}_" if rename else key] = value
    text = json.dumps(document).encode()
    found = faults(text)
    for fault in found:
        assert re.search(r"at `\$.*`$", fault), fault
        assert fault.isprintable()
        fault.encode()
    if not found:
        assert msgspec.json.decode(text, type=Config) == parse(text) == parse(canonical(parse(text)).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_configuration_or_a_config_error(raw: bytes) -> None:
    """Breaks: a damaged file ends in a traceback."""
    assert "a ConfigError without a fault" not in faults(raw)
