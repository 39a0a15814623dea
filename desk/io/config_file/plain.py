"""Bytes of a JSON file as plain values; a fault of syntax comes with line, column and the fix."""

from __future__ import annotations

import json
from typing import Any

from desk.errors import ConfigError

BYTES_MAX = 1_000_000  # a configuration is a page; anything longer is another file


class Object(dict[str, Any]):
    """A JSON object that remembers the keys it was given twice."""

    twice: list[str]


def _object(pairs: list[tuple[str, Any]]) -> Object:
    made = Object()
    made.twice = []
    for key, value in pairs:
        if key in made:
            made.twice.append(key)
        made[key] = value
    return made


def plain(raw: bytes, name: str) -> Any:
    """The value in `raw`, objects as Object; raises ConfigError with the first fault of syntax."""
    if len(raw) > BYTES_MAX:
        raise ConfigError([f"{name}: longer than {BYTES_MAX:,} bytes; this is not a configuration"])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        line = raw.count(b"\n", 0, why.start) + 1
        raise ConfigError([f"{name}, line {line}: not UTF-8 (byte 0x{raw[why.start]:02x}); save it as UTF-8"]) from None
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as why:
        raise ConfigError([_syntax(text, why, name)]) from None
    except RecursionError:
        raise ConfigError([f"{name}: nested too deeply; this is not a configuration"]) from None
    except ValueError:  # an integer of thousands of digits
        raise ConfigError([f"{name}: a number in it has thousands of digits"]) from None


def _syntax(text: str, why: json.JSONDecodeError, name: str) -> str:
    before = text[: why.pos].rstrip()
    after = text[why.pos : why.pos + 1]
    if not text.strip():
        return f"{name}: the file is empty; delete it, and the next start writes the defaults"
    at, what = why.pos, why.msg[:1].lower() + why.msg[1:]
    if before.endswith(",") and after in "}]":
        at, what = len(before) - 1, f"a comma before the closing `{after}`; remove the comma"
    elif why.msg.startswith("Illegal trailing comma"):  # Python 3.13 points at the comma itself
        what = "a comma before the closing bracket; remove the comma"
    elif why.msg.startswith("Expecting property name") and after == "'":
        what = 'a key in single quotes; JSON wants double quotes (")'
    elif after == "/" or after == "#":
        what = "a comment; JSON has none, remove it"
    elif why.msg.startswith("Expecting ',' delimiter"):
        at, what = len(before), "a comma is missing here, or a bracket is not closed"
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return f"{name}, line {line}, column {column}: {what}"
