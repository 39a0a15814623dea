"""What people see of flow, tape, spread and the inside market: rows of floats, made when a picture is."""

from __future__ import annotations

from desk.engine import Engine
from desk.instrument import Instrument, split_key
from desk.market.nbbo import Best, Inside
from desk.market.reading import MarketReading
from desk.market.state import Market
from desk.messages import Side
from desk.projections.screen import FlowRow, InsideRow

FLOW_WINDOW = 10_000_000_000
BAND_BPS = 10


def flow_rows(engine: Engine) -> tuple[FlowRow, ...]:
    """One row for each instrument that is described and believed."""
    return tuple(
        _flow(market, market.instrument, MarketReading(market, engine.now))
        for market in engine.watch.markets.values()
        if market.instrument is not None and market.ready and market.mid > 0
    )


def _flow(market: Market, inst: Instrument, seen: MarketReading) -> FlowRow:
    lots = 10.0**inst.qty_decimals
    to_bps = 10_000.0 / market.mid
    band = int(market.mid * BAND_BPS / 10_000)
    bids, asks = seen.orders_within(Side.BUY, band), seen.orders_within(Side.SELL, band)
    counted = market.book.tier != "L2"
    touch, levels, vwap = seen.touch_flow(FLOW_WINDOW), seen.level_flow, seen.vwap
    mean, widest = seen.spread_mean, seen.spread_max
    return FlowRow(
        inst.symbol,
        inst.venue,
        inst.px_decimals,
        None if touch is None else touch / lots,
        seen.touch_flow_z,
        seen.tape_imbalance(),
        seen.delta / lots if market.tape.prints else None,
        None if levels is None else sum(levels),
        None if mean is None else mean * to_bps,
        None if widest is None else widest * to_bps,
        bids[0] if bids and counted else None,
        asks[0] if asks and counted else None,
        None if vwap is None else inst.price(vwap),
    )


def inside_rows(engine: Engine) -> tuple[InsideRow, ...]:
    """One row for each symbol that more than one venue feeds."""
    symbols = dict.fromkeys(split_key(inst)[0] for inst in engine.watch.markets)
    found = [(each, engine.inside.read(each, engine.now)) for each in symbols if len(engine.inside.venues(each)) > 1]
    return tuple(_inside(symbol, inside) for symbol, inside in found if inside is not None)


def _inside(symbol: str, inside: Inside) -> InsideRow:
    bid, ask, spread = inside.bid, inside.ask, inside.spread
    bps = 20_000.0 * spread / (bid.px + ask.px) if bid and ask and spread is not None else None
    return InsideRow(
        symbol,
        _price(bid, inside.px_decimals),
        bid.venue if bid else "",
        _price(ask, inside.px_decimals),
        ask.venue if ask else "",
        bps,
        inside.state,
        inside.stale,
    )


def _price(best: Best | None, decimals: int) -> str:
    return "" if best is None else f"{best.px / 10**decimals:.{decimals}f}"
