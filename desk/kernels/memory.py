"""Loads, stores and moves at int64 addresses, unaligned, inside kernels only: no bounds are checked here.

A kernel that reads a venue's bytes works on memory its caller allocated and keeps alive; every address is derived from
one the caller gave. Loads give a non-negative int64 (8 and 32 bits) or the bits as int64 (64), little-endian. Python
cannot call loads, stores and moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

BYTE = ir.IntType(8)
WORD = ir.IntType(64)
WIDE = ir.IntType(128)
DOUBLE = ir.DoubleType()


def _load(bits: int) -> Callable[[int], int]:
    def load(typing_context: Any, address: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(builder.inttoptr(args[0], ir.IntType(bits).as_pointer()))
            value.align = 1
            return value if bits == 64 else builder.zext(value, WORD)

        return types.int64(types.int64), build

    return cast(Callable[[int], int], intrinsic(load))


def _store(bits: int) -> Callable[[int, int], None]:
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kept = args[1] if bits == 64 else builder.trunc(args[1], ir.IntType(bits))
            done = builder.store(kept, builder.inttoptr(args[0], ir.IntType(bits).as_pointer()))
            done.align = 1
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), build

    return cast(Callable[[int, int], None], intrinsic(store))


def _load_double() -> Callable[[int], float]:
    def load(typing_context: Any, address: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(builder.inttoptr(args[0], DOUBLE.as_pointer()))
            value.align = 1
            return value

        return types.float64(types.int64), build

    return cast(Callable[[int], float], intrinsic(load))


def _store_double() -> Callable[[int, float], None]:
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            done = builder.store(args[1], builder.inttoptr(args[0], DOUBLE.as_pointer()))
            done.align = 1
            return context.get_dummy_value()

        return types.void(types.int64, types.float64), build

    return cast(Callable[[int, float], None], intrinsic(store))


def _move() -> Callable[[int, int, int], None]:
    def move(typing_context: Any, to: Any, source: Any, count: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            to, source, count = args
            pointer = BYTE.as_pointer()
            cast(Any, cgutils).raw_memmove(
                builder, builder.inttoptr(to, pointer), builder.inttoptr(source, pointer), count, 1, align=1
            )
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64), build

    return cast(Callable[[int, int, int], None], intrinsic(move))


def _add_product() -> Callable[[int, int, int, int], None]:
    def add_product(typing_context: Any, to: Any, source: Any, a: Any, b: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            to, source, *factors = args
            before = builder.load(builder.inttoptr(source, WIDE.as_pointer()))
            before.align = 1
            one, other = (builder.sext(factor, WIDE) for factor in factors)
            done = builder.store(builder.add(before, builder.mul(one, other)), builder.inttoptr(to, WIDE.as_pointer()))
            done.align = 1
            return context.get_dummy_value()

        return types.void(types.int64, types.int64, types.int64, types.int64), build

    return cast(Callable[[int, int, int, int], None], intrinsic(add_product))


load8 = _load(8)
load32 = _load(32)
load64 = _load(64)
load_double = _load_double()
store64 = _store(64)
store_double = _store_double()
move = _move()  # to, from, bytes: the ranges may overlap
add_product = _add_product()  # to, from, a, b: the 16 bytes at `to` become those at `from` + a·b, exact


def word(text: bytes) -> int:
    """At most 8 bytes as the int64 that `load64` (or, up to 4 bytes, `load32`) reads where they stand.

    >>> hex(word(b'ab')), word(b'') == 0
    ('0x6261', True)
    """
    assert len(text) <= 8
    return int.from_bytes(text.ljust(8, b"\0"), "little", signed=True)


# Where CPython (3.11 to 3.14, with its lock) keeps what we read: a list's items, a bytes object's length and bytes.
ITEMS, LENGTH, BYTES = list.__basicsize__ - 16, bytes.__basicsize__ - 17, bytes.__basicsize__ - 1


KINDS = {"i": types.int64, "d": types.float64}


def entry(function: Callable[..., Any], arguments: int | str, result: str = "i") -> Callable[..., Any]:
    """`function` compiled as the bare C entry, which costs a call 0.07 µs; the dispatcher looks at types first, 0.14.

    `arguments`: how many int64, or a letter each, "i" (an int) or "d" (a float, or an int that `float` turns
    into one); `result` is one of them.
    """
    wanted = (types.int64,) * arguments if isinstance(arguments, int) else tuple(KINDS[kind] for kind in arguments)
    dispatcher = cast(Any, function)
    dispatcher.compile(KINDS[result](*wanted))
    return cast(Callable[..., Any], dispatcher.overloads[wanted].entry_point)
