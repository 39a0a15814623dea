"""The desk as people see it: the console's pictures, and the summary at the end."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from desk.config import Weights
from desk.engine import Engine
from desk.events import Event
from desk.instrument import Instrument, split_key
from desk.intents import Decline, Effect, Noted, Refuse, Signal, Submit, Tell
from desk.market.state import BookState, Market
from desk.market.tape import SLOW as TAPE_WINDOW
from desk.market.venue_time import VenueTime
from desk.projections.latency import Percentiles
from desk.projections.screen import BookRow, PositionRow, Screen, SignalRow, SymbolRow
from desk.projections.why import WhyFold
from desk.run.detail import detail
from desk.run.evidence_rows import EvidenceRows, evidence_summary, record_rows
from desk.run.links import Links
from desk.run.loop import Loop
from desk.run.market_rows import flow_rows, inside_rows
from desk.run.source import Source
from desk.signals.score_log import ScoreLog

KEEP_SIGNALS, KEEP_MESSAGES = 12, 8


class Picture:
    """Collects what the screen needs beside the engine's own state."""

    def __init__(self, mode: str, source: Source, fee_tier: str, started: int, weights: Weights) -> None:
        self.mode, self.source, self.fee_tier, self.started = mode, source, fee_tier, started
        self.weights = weights  # of the order-book score, to show what its parts add
        self.signals: deque[SignalRow] = deque(maxlen=KEEP_SIGNALS)
        self.messages: deque[str] = deque(maxlen=KEEP_MESSAGES)
        self.last_signal: dict[str, Signal] = {}
        self.why_not: dict[str, str] = {}
        self.scores = ScoreLog()
        self.evidence = EvidenceRows()
        self.reports: list[str] = []
        self.analyst = ""
        self.links = Links(len(source.links))
        self.why = WhyFold()
        self.look_at = ""  # the symbol that is described whole, "" for none
        self._frames_before = (0, started)
        self._rate = 0.0

    def say(self, text: str) -> None:
        """A line for the person watching."""
        self.messages.append(text)

    def see(self, engine: Engine, event: Event, effects: list[Effect]) -> None:
        """Take notice of what the engine answered."""
        self.why.apply(event, effects, engine.seq)
        for effect in effects:
            if isinstance(effect, Noted):
                self._noted(engine, effect.what)
            elif isinstance(effect, Refuse):
                self.why_not[effect.place.inst] = f"RISK_{effect.rule.upper()}"
                signal = self.last_signal.get(effect.place.inst)
                self._settled(event, f"{signal.signal_id} refused" if signal is not None else "refused")
            elif isinstance(effect, Submit):
                self._settled(event, effect.order_id)
            elif isinstance(effect, Tell):
                self.messages.append(f"{effect.code}: {effect.text}")

    def _settled(self, event: Event, order: str) -> None:
        """What became of the signal that this event gave, if it gave one."""
        if self.signals and self.signals[-1].ts == event.ts and not self.signals[-1].order:
            self.signals[-1] = msgspec.structs.replace(self.signals[-1], order=order)

    def _noted(self, engine: Engine, what: Signal | Decline) -> None:
        if isinstance(what, Decline):
            self.why_not[what.inst] = what.code
            return
        inst = engine.watch.instruments.get(what.inst)
        if inst is None:
            return
        self.last_signal[what.inst] = what
        self.why_not[what.inst] = ""
        self.signals.append(
            SignalRow(
                what.ts,
                inst.symbol,
                what.side.name,
                inst.px_text(what.entry),
                inst.px_text(what.stop),
                inst.px_text(what.target),
                inst.qty_text(what.qty),
                what.hft,
                what.strength,
                what.net_target_bps,
                what.break_even,
                "; ".join(what.reasons),
            )
        )

    # --- the console

    def screen(self, loop: Loop, now: int) -> Screen:
        """One frozen picture."""
        engine = loop.engine
        watch = engine.watch
        elapsed = max(now - self.started, 1)
        frames, since = self._frames_before
        if now - since > 1_000_000_000:
            self._rate = (watch.frames - frames) * 1e9 / (now - since)
            self._frames_before = (watch.frames, now)
        counts = loop.blotter.result()
        reading = watch.time.reading
        markets = list(watch.markets.values())
        for market in markets:
            market.now = engine.now
        return Screen(
            ts=now,
            mode=self.mode,
            feed=self.source.feed,
            venue_status=markets[0].venue_status if markets else "unknown",
            simulated=self.source.simulated,
            elapsed_s=elapsed / 1e9,
            frames=watch.frames,
            frames_per_s=self._rate,
            link_up_pct=self.links.up_pct(now),
            books=book_rows(markets, watch.codec.proof),
            symbols=tuple(self._symbol(engine, market) for market in markets),
            flows=flow_rows(engine),
            inside=inside_rows(engine),
            health=self.evidence.health(loop.observer, now),
            record=record_rows(loop.observer),
            signals=tuple(self.signals),
            positions=position_rows(engine, markets),
            refusals=dict(counts.refusals),
            latency_us=points(loop.tick_to_signal) | {f"feed_{at}": us for at, us in points(loop.feed_latency).items()},
            orders_open=len(engine.account.open_orders),
            orders_unknown=engine.life.unknown,
            orders=counts.orders,
            fills=counts.fills,
            exposure=engine.account.gross(engine.quotes[0]) if engine.quotes else 0.0,
            exposure_limit=exposure_limit(engine),
            breaker=engine.account.state(engine.now),
            latch="killed" if engine.account.killed else engine.account.halted,
            journal_seq=loop.journal.seq,
            journal_state=loop.journal.broken or "ok",
            clock_ms=reading.offset_ns / 1e6 if reading else None,
            clock_pm_ms=reading.uncertainty_ns / 1e6 if reading else None,
            clock_state=watch.time.state.value,
            pnl_quote=float(engine.portfolio.pnl(engine.quotes[0])) if engine.quotes else 0.0,
            fee_tier=self.fee_tier,
            detail=detail(engine, self.why, self.look_at, self.weights) if self.look_at else None,
            reports=tuple(self.reports),
            messages=tuple(self.messages),
            analyst=self.analyst,
        )

    def _symbol(self, engine: Engine, market: Market) -> SymbolRow:
        inst = market.instrument
        symbol, _ = split_key(market.inst)
        score = engine.watch.scores.get(market.inst)
        bias = engine.biases.get(symbol)
        signal = self.last_signal.get(market.inst)
        track = market.track
        trouble = self._trouble(engine, market)
        quoted = inst is not None and track is not None and not track.book.one_sided
        technical = next(
            (found for seat in engine.seats if (found := seat.strategy.technical(market.inst)) is not None), None
        )
        return SymbolRow(
            symbol=symbol,
            px_decimals=inst.px_decimals if inst else 2,
            bid=inst.price(market.bid) if inst and quoted else None,
            ask=inst.price(market.ask) if inst and quoted else None,
            spread_bps=score.features.spread_bps if score else None,
            tier=track.book.tier if track else "",
            state=trouble or (track.state.value if track else BookState.DOWN.value),
            score=score.total if score else None,
            imbalance=score.imbalance if score else None,
            order_count=score.order_count if score else None,
            spread=score.spread if score else None,
            label=score.label if score else "",
            technical=technical,
            bias=bias.score if bias else None,
            bias_label=bias.label if bias else "",
            bias_expires=bias.expires if bias else 0,
            alignment=signal.alignment if signal else "",
            last_signal=f"{signal.side.name} {inst.px_text(signal.entry)}" if signal and inst else "",
            why_not=self._why_not(engine, market),
        )

    @staticmethod
    def _trouble(engine: Engine, market: Market) -> str:
        """What is wrong with a symbol's subscriptions, "" where another book makes up for it.

        One channel is named ("trade refused"), several are not ("refused").
        """
        synced = market.track is not None and market.track.state is BookState.SYNCED
        found = engine.watch.subscriptions.trouble(split_key(market.inst)[0])
        bad = [(channel, code) for channel, code in found.items() if channel not in market.tracks or not synced]
        words = [code.rpartition("_")[2].lower() for _, code in bad]
        return f"{bad[0][0]} {words[0]}" if len(bad) == 1 else min(words, default="")

    def _why_not(self, engine: Engine, market: Market) -> str:
        if not any(seat.strategy.trades(market.inst) for seat in engine.seats):
            return market.why or "ANALYSIS_ONLY"
        if market.barred:
            return market.barred
        return self.why_not.get(market.inst, "") or market.why

    # --- the end

    def summary(self, loop: Loop, now: int) -> dict[str, Any]:
        """The run in one object: the JSON of `--json`, and session.json."""
        engine = loop.engine
        counts = loop.blotter.result()
        return {
            "mode": self.mode,
            "feed": self.source.feed,
            "simulated": self.source.simulated,
            "duration_s": round((now - self.started) / 1e9, 3),
            "frames": engine.watch.frames,
            "bad_frames": engine.watch.bad_frames,
            "books": [
                {
                    "symbol": row.symbol,
                    "venue": row.venue,
                    "tier": row.tier,
                    "state": row.state,
                    "crc_ok": row.crc_ok,
                    "crc_bad": row.crc_bad,
                    "resyncs": row.resyncs,
                    "proof": row.proof,
                    "seq_ok": row.seq_ok,
                    "gaps": row.gaps,
                }
                for row in book_rows(list(engine.watch.markets.values()), engine.watch.codec.proof)
            ],
            "scores": with_tape(self.scores.result(), engine),
            "flow": {f"{row.symbol}@{row.venue}": msgspec.to_builtins(row) for row in flow_rows(engine)},
            **({"inside": [msgspec.to_builtins(row) for row in rows]} if (rows := inside_rows(engine)) else {}),
            **evidence_summary(loop.observer),
            "signals": counts.signals,
            "refusals": dict(counts.refusals),
            "orders": counts.orders,
            "fills": counts.fills,
            "pnl_quote": float(engine.portfolio.pnl(engine.quotes[0])) if engine.quotes else 0.0,
            "pnl_by_quote": {quote: str(engine.portfolio.pnl(quote)) for quote in engine.quotes},
            "fees_by_quote": {quote: str(fees) for quote, fees in engine.portfolio.fees.items()},
            "fee_tier": self.fee_tier,
            "paper": loop.venue.report(),
            "biases": {symbol: {"score": b.score, "label": b.label} for symbol, b in engine.biases.items()},
            "latency_us": {"tick_to_signal": points(loop.tick_to_signal), "feed": points(loop.feed_latency)},
            "clock": clock_summary(engine.watch.time),
            "reports": list(self.reports),
            "session": str(loop.journal.folder),
            "effect_hash": loop.journal.effect_hash,
            "problems": problems(loop),
        }


def points(histogram: Percentiles) -> dict[str, float | None]:
    """The percentiles that people are shown, in µs."""
    return {name: histogram.at(q) for name, q in (("p50", 0.5), ("p99", 0.99), ("p99_9", 0.999))}


def clock_summary(time: VenueTime) -> dict[str, Any]:
    """The venue's clock against ours: numbers only where they were measured."""
    reading, drift = time.reading, time.clock.drift_ppm
    return {
        "state": time.state.value,
        "offset_ms": round(reading.offset_ns / 1e6, 3) if reading else None,
        "uncertainty_ms": round(reading.uncertainty_ns / 1e6, 3) if reading else None,
        "source": reading.source if reading else None,
        "drift_ppm": round(drift, 2) if drift is not None else None,
        "jumps": time.clock.jumps,
    }


def problems(loop: Loop) -> list[str]:
    """What a person must know about the record of this run."""
    journal = loop.journal
    lost = f"{journal.folder}: {journal.lost} entries of the market found no room on the disk" if journal.lost else ""
    return [text for text in (journal.broken, lost) if text]


def with_tape(scores: dict[str, dict[str, Any]], engine: Engine) -> dict[str, dict[str, Any]]:
    """The scores with the tape beside them: cumulative delta, imbalance of the minute to its last print, holes."""
    for inst, row in scores.items():
        if (market := engine.watch.markets.get(inst)) is not None:
            tape = market.tape
            imbalance = tape.imbalance(TAPE_WINDOW, tape.now)
            row["delta_lots"] = tape.delta
            row["tape_imbalance"] = None if imbalance is None else round(imbalance, 4)
            row["tape_gaps"] = len(tape.gaps)
    return scores


def book_rows(markets: list[Market], proof: str) -> tuple[BookRow, ...]:
    """Every book of every symbol; `proof` is what vouches for books of this venue."""
    rows = []
    for market in markets:
        symbol, venue = split_key(market.inst)
        for channel in ("level3", "book"):
            if (track := market.tracks.get(channel)) is not None:
                age = market.age_of(track) / 1e6 if track.proof else None
                proved = (market.now - track.proof) / 1e6 if track.proof else None
                rows.append(
                    BookRow(
                        symbol,
                        venue,
                        track.book.tier,
                        track.state.value,
                        track.crc_ok,
                        track.crc_bad,
                        track.resyncs,
                        age,
                        proof,
                        track.seq_ok,
                        track.gaps,
                        proved,
                    )
                )
    return tuple(rows)


def position_rows(engine: Engine, markets: list[Market]) -> tuple[PositionRow, ...]:
    """Every instrument that was ever traded."""
    rows = []
    for market in markets:
        position = engine.portfolio.position(market.inst)
        inst: Instrument | None = market.instrument
        if inst is None or (not position.qty and not position.fees and not position.realised):
            continue
        average = position.avg
        rows.append(
            PositionRow(
                inst.symbol,
                inst.qty_text(position.qty),
                f"{inst.price(average):.{inst.px_decimals}f}" if average is not None else "",
                inst.px_text(int(market.mid)) if market.ready else "",
                float(engine.portfolio.unrealised(market.inst)),
                float(position.realised),
                float(position.fees),
            )
        )
    return tuple(rows)


def exposure_limit(engine: Engine) -> float:
    """The gross limit of the first account, in its quote currency; 0 before the account's first day began."""
    purse = engine.account.purse(engine.quotes[0]) if engine.quotes else None
    return engine.limits.max_gross_pct / 100 * purse.day_start if purse is not None else 0.0
