"""Prove every recording below a folder: one row a file, and what files beside them say is expected.

Beside a recording may lie
    expected_final_state.json       by recording, the state after its last frame, as `verify_book` writes it
    <name>_ohlc1m_expected.json     the venue's own minutes for a recording of trades
and files of ladders: JSON with objects of `bids`, `asks` and `checksum`. A recording that was converted from another
one of the same day and symbols ends in the same state.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from desk.errors import DecodeError, FeedError
from desk.instrument import Instrument, split_key
from desk.market.bars import MinuteBars
from desk.market.checksum import book_crc
from desk.market.raw_l2 import RawL2Book
from desk.market.tape import TradeTape
from desk.messages import BookUpdate, Candle, Message, Trade, Trades
from desk.run.captures import frames_of
from desk.run.verify_book import speaks_v1, verify_book
from desk.run.verify_orders import is_order_log, verify_orders
from desk.wire import members
from desk.wire.kraken import KrakenCodec
from desk.wire.kraken_v1 import KrakenV1Codec

RECORDINGS = (".frames.gz", ".txt.gz", ".jsonl.gz", ".ndjson", ".log.gz", ".jsonl")
EXPECTED = "expected_final_state.json"
MINUTE = 60_000_000_000
LADDERS = 1 << 24  # bytes; a larger JSON file is none


def verify_folder(folder: Path, depth: int | None = None) -> dict[str, Any]:
    """`rows` by file, `ok` when nothing is wrong in any. Raises FeedError for a folder that holds none."""
    rows = [row for path in _found(folder) if (row := _row(path, folder, depth)) is not None]
    if not rows:
        raise FeedError(f"{folder}: no recording in it ({', '.join(RECORDINGS)})")
    return {"folder": str(folder), "ok": all(row["ok"] for row in rows), "rows": rows}


def is_session(folder: Path) -> bool:
    """Whether its own files are the recorder's, one recording in parts."""
    for path in sorted(folder.glob("*.frames.gz")):
        with path.open("rb") as file:
            return members.begins(file.read(members.HEAD))
    return False


def _found(folder: Path) -> Iterator[Path]:
    """Recordings, and folders that are one."""
    if is_session(folder):
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _found(path)
        elif path.name.endswith((*RECORDINGS, ".json")):
            yield path


def _row(path: Path, folder: Path, depth: int | None) -> dict[str, Any] | None:
    """What one file proves: `right` of `checked`, whatever `what` names; None for a file that is none of ours."""
    row: dict[str, Any] = {"file": str(path.relative_to(folder)), "ok": True, "note": ""}
    if path.suffix == ".json":
        made = _ladders(path)
        return {**row, **made} if made else None
    if is_order_log(path):
        return {**row, **_of_orders(path)}
    try:
        return {**row, **_of_books(path, verify_book(path, depth))}
    except FeedError:
        return {**row, **_without_books(path)}


def _of_books(path: Path, proof: dict[str, Any]) -> dict[str, Any]:
    numbers = "venue" in proof
    checked = proof["numbered"] if numbers else proof["crc_ok"] + proof["crc_bad"]
    right = proof["sequence_ok"] if numbers else proof["crc_ok"]
    final = _final(path, proof["final"])
    differ = proof["paths"]["differences"]
    note = proof["problem"] or proof["paths"]["first_difference"]
    if numbers and not checked:
        note = (
            note
            or f"{proof['messages']:,} book messages without numbers: rebuilt, {proof['crossed']} crossed, not proven"
        )
    samples = numbers and right < checked and not proof["timed"]
    if samples:
        note = note or f"frames without times, samples of several connections: {proof['first_gap']}"
    return {
        "what": ("sequence numbers right" if numbers else "checksums right") if checked else "",
        "frames": proof["frames"],
        "right": right,
        "checked": checked,
        "final": final,
        "paths": proof["paths"],
        "ok": (right == checked or samples) and final != "differs" and not differ and not proof["problem"]
        and not proof.get("crossed"),
        "note": note,
    }  # fmt: skip


def _of_orders(path: Path) -> dict[str, Any]:
    """From the second hour on; a snapshot taken before the last event is told apart."""
    proof = verify_orders(path)
    later = proof["hours"][1:]
    right, checked = (sum(hour[key] for hour in later) for key in ("right", "snapshots"))
    between = sum(hour["between"] for hour in later)
    words = [f"line {miss['line']}: {miss['ms_after_the_event']} ms after the event" for miss in proof["misses"]]
    return {
        "what": "snapshots of the exchange from hour 1 on with our best bid and ask",
        "frames": proof["events"],
        "right": right,
        "checked": checked,
        "paths": proof["paths"],
        "ok": right + between == checked and not proof["paths"]["differences"],
        "note": f"{between} taken before the last event ({', '.join(words)})" if words else "",
    }


def _without_books(path: Path) -> dict[str, Any]:
    """A recording of Kraken's other channels: the venue's minutes from its trades where they are known."""
    try:
        frames = [frame for frame in frames_of(path) if frame.direction == "<"]
    except FeedError as err:
        return {"what": "", "ok": False, "note": str(err)}
    codec: KrakenCodec | KrakenV1Codec = KrakenV1Codec() if speaks_v1(frames) else KrakenCodec()
    messages: list[Message] = []
    understood = 0
    for frame in frames:
        with suppress(DecodeError):
            messages += codec.decode(frame.data)
            understood += 1
    prints = [each for message in messages if isinstance(message, Trades) for each in message.trades]
    if not messages or understood < len(frames):
        return {"what": "", "note": "of a venue that is not read here"}
    expected = path.parent / (path.name.partition(".")[0] + "_ohlc1m_expected.json")
    if not prints or not expected.exists():
        return {
            "what": "",
            "frames": len(frames),
            "note": f"{understood:,} frames understood; no book, nothing to prove",
        }
    rows = json.loads(expected.read_text())["rows"]
    inst = codec.instruments[split_key(prints[0].inst)[0]]
    ours = _minutes(prints, inst)
    right = sum(ours.get(row[0]) == row[1:] for row in rows)
    what = "minutes equal to the venue's own in prices, VWAP, volume and count"
    return {"what": what, "frames": len(frames), "right": right, "checked": len(rows), "ok": right == len(rows)}


def _minutes(prints: list[Trade], inst: Instrument) -> dict[int, list[Any]]:
    """The venue's rows from its trades, by epoch second: [open, high, low, close, VWAP cut, volume, count]."""
    bars, tape, closed = MinuteBars(inst.key), TradeTape(inst.key, session=MINUTE), list[Candle]()
    vwap: dict[int, int] = {}
    for each in sorted(prints, key=lambda each: (each.ts_exch, each.trade_id)):
        closed += bars.trade(each)
        tape.apply(each)
        vwap[tape.begin] = tape.vwap_cut or 0
    closed += bars.clock(prints[-1].ts_exch + 2 * MINUTE)
    return {
        bar.begin // 1_000_000_000: [
            *map(inst.px_text, (bar.open, bar.high, bar.low, bar.close, vwap[bar.begin] if bar.count else 0)),
            inst.qty_text(bar.volume),
            bar.count,
        ]
        for bar in closed
    }


def _ladders(path: Path) -> dict[str, Any] | None:
    """Checksums of single ladders, by the readable formula and by the kernel; None when the file holds none."""
    if path.name == EXPECTED or path.stat().st_size > LADDERS:
        return None
    try:
        said = json.loads(path.read_bytes())
    except ValueError:
        return None
    ladders = [each for each in (said if isinstance(said, list) else said.values() if isinstance(said, dict) else ())
               if isinstance(each, dict) and {"bids", "asks", "checksum"} <= each.keys()]  # fmt: skip
    right = differ = 0
    for each in ladders:
        bids, asks = (
            tuple((int(px.replace(".", "")), int(qty.replace(".", ""))) for px, qty in each[side])
            for side in ("bids", "asks")
        )
        fast = RawL2Book(10)
        fast.apply(BookUpdate("ladder", bids, asks, snapshot=True))
        plain = book_crc(asks, bids)
        right += plain == each["checksum"]
        differ += plain != fast.checksum
    if not ladders:
        return None
    told = {"kernel": len(ladders), "decoder": 0, "differences": differ, "first_difference": ""}
    ok = right == len(ladders) and not differ
    return {
        "what": "checksums right",
        "frames": len(ladders),
        "right": right,
        "checked": len(ladders),
        "paths": told,
        "ok": ok,
    }


def _final(path: Path, final: dict[str, Any]) -> str:
    """ "equal", "differs", or "" when nobody says what is expected."""
    known = path.parent / EXPECTED
    if path.is_dir() or not known.exists():
        return ""
    states = json.loads(known.read_text())
    name = path.name.partition(".")[0]
    day = name.rpartition("_")[2]
    wanted = states.get(name) or next(
        (state for key, state in states.items() if key.rpartition("_")[2] == day and state.keys() == final.keys()), None
    )
    return "" if wanted is None else "equal" if wanted == final else "differs"


def describe(result: dict[str, Any]) -> str:
    """One line a file for a person."""
    width = max(len(row["file"]) for row in result["rows"])
    lines = [f"{row['file']:<{width}}  {_words(row)}" for row in result["rows"]]
    wrong = sum(not row["ok"] for row in result["rows"])
    verdict = "nothing wrong" if result["ok"] else f"{wrong} of them WRONG"
    return "\n".join([*lines, f"{len(lines)} files below {result['folder']}: {verdict}"])


def _words(row: dict[str, Any]) -> str:
    words = []
    if row["what"]:
        words.append(f"{row['frames']:,} frames, {row['right']:,} of {row['checked']:,} {row['what']}")
    if said := row.get("paths"):
        words.append(
            f"fast path {'equal to' if not said['differences'] else 'DIFFERS from'} the readable one "
            f"({said['kernel']:,} by kernel, {said['decoder']:,} decoded)"
        )
    if row.get("final"):
        words.append("final state as expected" if row["final"] == "equal" else "final state DIFFERS")
    mark = "WRONG" if not row["ok"] else "ok" if row["what"] else "—"
    return f"{mark:<5} {'; '.join([*words, row['note']] if row['note'] else words)}"
