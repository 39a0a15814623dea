"""The faults of plain JSON values against the schema: unknown keys, wrong types, values out of range."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import inspect

from desk.config import Config
from desk.io.config_file.plain import Object


class Fault(NamedTuple):
    """What is wrong and how to put it right, and the path of the key."""

    text: str
    path: str

    def __str__(self) -> str:
        return f"{self.text} - at `{self.path}`"


def section(value: Any, kind: inspect.StructType, path: str, sound: dict[str, Any]) -> Iterator[Fault]:
    """The faults of one section and all below it, in the order of the file; what is right goes into `sound`."""
    if not isinstance(value, Object):
        yield Fault(f"expected an object {{…}}, got {_said(value)}", path)
        return
    fields = {field.encode_name: field.type for field in kind.fields}
    yield from _repeats(value, path)
    for key, item in value.items():
        inner, place = _given(fields.get(key), item), f"{path}.{key}"
        if inner is None:
            yield Fault(f"unknown key `{_clean(key)}`{_meant(key, fields)}", path)
        elif isinstance(inner, inspect.StructType):
            below: dict[str, Any] = {}
            wrong = list(section(item, inner, place, below))
            yield from wrong
            if not wrong or not any(field.required for field in inner.fields):  # half a section may miss something
                sound[key] = below
        elif wrong := list(_walk(item, inner, place)):
            yield from wrong
        else:
            sound[key] = item


def _given(kind: inspect.Type | None, value: Any) -> inspect.Type | None:
    """What a key that may be null has to be when it is not."""
    if isinstance(kind, inspect.UnionType) and value is not None:
        return next(inner for inner in kind.types if not isinstance(inner, inspect.NoneType))
    return kind


def _walk(value: Any, kind: inspect.Type, path: str) -> Iterator[Fault]:
    match kind:
        case inspect.DictType(value_type=inner):
            if not isinstance(value, Object):
                yield Fault(f"expected an object {{…}}, got {_said(value)}", path)
                return
            yield from _repeats(value, path)
            for key, item in value.items():
                yield from _walk(item, inner, f"{path}[{json.dumps(key[:60])}]")
        case inspect.VarTupleType(item_type=inner, min_length=low, max_length=high):
            if not isinstance(value, list):
                yield Fault(f"expected a list […], got {_said(value)}", path)
            elif len(value) < (low or 0) or len(value) > (high or len(value)):
                yield Fault(f"expected {low or 0} to {high} entries, got {len(value)}", path)
            else:
                for number, item in enumerate(value):
                    yield from _walk(item, inner, f"{path}[{number}]")
        case _:
            if fault := _leaf(value, kind, path.rpartition(".")[2]):
                yield Fault(fault, path)


def _repeats(value: Object, path: str) -> Iterator[Fault]:
    for key in dict.fromkeys(value.twice):
        yield Fault(f"the key `{_clean(key)}` is written twice; keep one", path)


def _meant(key: str, fields: dict[str, inspect.Type]) -> str:
    """What the writer of an unknown key probably wanted: a near key of this section, or this key in another."""
    elsewhere = [home for home, name in _homes(inspect.type_info(Config), "$") if name == key]
    if elsewhere:
        return f"; it belongs in `{'` or `'.join(elsewhere[:2])}`"
    near = difflib.get_close_matches(key, fields, n=1, cutoff=0.6) or [f for f in fields if key and key in f]
    return f"; did you mean `{near[0]}`?" if near else f"; known here: {', '.join(fields)}"


def _homes(kind: inspect.Type, path: str) -> Iterator[tuple[str, str]]:
    """Every (section path, key) of the schema."""
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield path, field.encode_name
            yield from _homes(field.type, f"{path}.{field.encode_name}")


def _leaf(value: Any, kind: inspect.Type, key: str) -> str | None:
    """What is wrong with one plain value, None when nothing is."""
    match kind:
        case inspect.FloatType() | inspect.IntType():
            return _number(value, kind, key)
        case inspect.BoolType() if not isinstance(value, bool):
            return f"expected true or false, got {_said(value)}"
        case inspect.LiteralType(values=values) if not any(type(value) is type(v) and value == v for v in values):
            near = difflib.get_close_matches(value, [str(v) for v in values], n=1) if isinstance(value, str) else []
            hint = f"; did you mean {json.dumps(near[0])}?" if near else ""
            return (
                f"expected {' or '.join(json.dumps(v) for v in sorted(values, key=_order))}, got {_said(value)}{hint}"
            )
        case inspect.StrType(pattern=pattern):
            if not isinstance(value, str):
                return f"expected a text, got {_said(value)}"
            if not value.isprintable():
                return f"{json.dumps(value[:60])} holds a character that cannot be shown"
            if pattern is not None and not re.fullmatch(pattern, value):
                return f"{json.dumps(value[:60])} {_SHAPES.get(pattern, f'does not match {pattern}')}"
    return None


_SHAPES = {
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": 'is not a time of day; write "09:00", 24 hours with both zeros',
    r"^[A-Z0-9.]{1,12}/[A-Z0-9.]{1,12}$": 'is not a symbol; write base/quote in capitals, as "BTC/USDT"',
}


def _number(value: Any, kind: inspect.FloatType | inspect.IntType, key: str) -> str | None:
    whole = isinstance(kind, inspect.IntType)
    wanted = f"expected {'a whole number' if whole else 'a number'}{_range(kind, key)}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = "; take off the quotes" if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9.]+", value) else ""
        return f"{wanted}, got {_said(value)}{hint}"
    if not abs(value) < 1e300 or (whole and not isinstance(value, int)):  # NaN is not below anything
        return f"{wanted}, got {_said(value)}"
    if _inside(value, kind):
        return None
    # A percentage where a fraction is wanted is the dearest typo there is.
    if kind.le is not None and kind.le <= 1 and value > 0 and _inside(value / 100, kind):
        return f"{wanted}, got {value:g}; it is a fraction: did you mean {value / 100:g} ({value:g} %)?"
    return f"{wanted}, got {value:g}"


def _inside(value: float, kind: inspect.FloatType | inspect.IntType) -> bool:
    return (
        (kind.ge is None or value >= kind.ge)
        and (kind.gt is None or value > kind.gt)
        and (kind.le is None or value <= kind.le)
        and (kind.lt is None or value < kind.lt)
    )


def _range(kind: inspect.FloatType | inspect.IntType, key: str) -> str:
    """ " from 0 up to 10", " above 0", "", with the percentages beside a risk."""
    low = f" from {kind.ge:g}" if kind.ge is not None else f" above {kind.gt:g}" if kind.gt is not None else ""
    high = f" up to {kind.le:g}" if kind.le is not None else f" below {kind.lt:g}" if kind.lt is not None else ""
    percent = (
        f" ({100 * kind.ge:g} % to {100 * kind.le:g} %)" if key == "risk_per_trade" and kind.ge and kind.le else ""
    )
    return low + high + percent


def _order(value: object) -> tuple[int, str]:
    return (value, "") if isinstance(value, int) else (0, str(value))


def _said(value: Any) -> str:
    """A wrong value in words, short and printable."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {json.dumps(value[:60])}"
        case float():
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), f"{value:g}")
        case int():
            return str(value) if abs(value) < 10**18 else "a number of far too many digits"
        case dict():
            return "an object {…}"
        case _:
            return "a list […]"


def _clean(key: str) -> str:
    """A key as it can be printed: no control characters, no end of the line, 60 characters."""
    return "".join(c if c.isprintable() and c != "`" else "?" for c in key[:60])
