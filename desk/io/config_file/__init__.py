"""trading_config.json on disk: read whole, every fault named at once; written with safe defaults when it is absent.

A fault line says what, the value, the fix and the place: "unknown key `per_trade`; did you mean `risk_per_trade`? - at
`$.scalping_engine`". The schema itself is desk.config; this file walks the plain JSON along it, key by key, and asks
the questions a type cannot (weights that add up to 1, thresholds in order, a time zone that exists).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from desk.config import Config
from desk.errors import ConfigError
from desk.io.config_file.faults import section
from desk.io.config_file.plain import BYTES_MAX, plain
from desk.io.config_file.questions import questions
from desk.wholefile import write_whole


def load(path: Path, warn: Callable[[str], None] | None = None) -> Config:
    """The configuration at `path`; an absent file is written with the defaults, which are safe (paper).

    Where it cannot be written (a read-only disk) the defaults are in force all the same, and `warn` is told in one
    line (default: stderr). Raises ConfigError with every fault of the file.
    """
    tell = warn or (lambda line: print(line, file=sys.stderr))  # noqa: T201 - the one thing this edge says by itself
    try:
        return read(path)
    except FileNotFoundError:
        config = Config()
    try:
        _write(path, msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n")
    except OSError as why:
        tell(f"{path}: cannot be written ({why.strerror or why}); the defaults are in force for this run")
    return config


def read(path: Path) -> Config:
    """The configuration at `path`; raises FileNotFoundError when it is absent, ConfigError with every fault of it."""
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        raise
    except OSError as why:
        raise ConfigError([f"{path}: cannot be read ({why.strerror or why})"]) from None
    return parse(raw, str(path))


def parse(raw: bytes, name: str = "trading_config.json") -> Config:
    """The configuration in these bytes. `name` stands before a fault that has a line instead of a path.

    >>> parse(b'{"risk": {"max_order_quote": 500}}').risk.max_order_quote
    500.0
    >>> parse(b'{"risk": {"max_order": 500, "daily_loss_pct": "2"}}')
    Traceback (most recent call last):
    desk.errors.ConfigError: unknown key `max_order`; did you mean `max_order_quote`? - at `$.risk`
    expected a number above 0 up to 10, got the text "2"; take off the quotes - at `$.risk.daily_loss_pct`
    """
    kind = inspect.type_info(Config)
    assert isinstance(kind, inspect.StructType)
    sound: dict[str, Any] = {}
    faults = list(section(plain(raw, name), kind, "$", sound))
    try:
        config = msgspec.convert(sound, Config)
    except msgspec.ValidationError as why:  # the schema has the last word
        raise ConfigError([*map(str, faults), str(why)]) from None
    for fault in questions(config):  # a section with a fault is not asked what it adds up to
        if not any(f.path.startswith(fault.path) for f in faults):
            faults.append(fault)
    if faults:
        raise ConfigError([str(fault) for fault in faults])
    return config


def canonical(config: Config) -> str:
    """The configuration as one line of JSON with sorted keys: equal text for equal settings."""
    return msgspec.json.encode(config, order="sorted").decode()


def config_hash(config: Config) -> str:
    """16 hex digits that name these settings: blake2b of `canonical`.

    >>> config_hash(Config()) == config_hash(parse(b"{}")) != config_hash(Config(time_zone="Europe/Berlin"))
    True
    """
    return blake2b(canonical(config).encode(), digest_size=8).hexdigest()


def schema() -> dict[str, Any]:
    """JSON Schema of the file, with titles and descriptions, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | msgspec.json.schema(Config)


def _write(path: Path, text: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)
