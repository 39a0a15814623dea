"""desk/market/audit.py: errors below the checksum are found, changes under way are not taken for errors."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from shared import shared

from desk.io.frames import read_frames
from desk.market.audit import AGAIN, PAIR_EVERY, REST_EVERY, REST_SOONEST, SETTLED, DepthAudit, differences
from desk.market.seen import Ask
from desk.market.state import AUDIT_GOOD, BookState, Fault, Track
from desk.messages import BookUpdate, Depth, OrderEvent, OrdersUpdate, Side
from desk.wire.kraken import KrakenCodec

INST = "X/Y@v"
SECOND = 1_000_000_000
levels = st.dictionaries(st.integers(1, 60), st.integers(1, 3), min_size=1, max_size=40)


@given(ours=levels, theirs=levels, depth=st.integers(12, 30), whole=st.tuples(st.booleans(), st.booleans()))
def test_prices_are_compared_where_both_books_can_speak_and_no_checksum_does(ours, theirs, depth, whole):
    """Against the definition, price by price; asks are the mirror of bids."""
    books = [
        sorted(book.items(), reverse=True)[: None if w else depth]
        for book, w in zip((ours, theirs), whole, strict=True)
    ]
    found = differences(Side.BUY, *books, ours_whole=whole[0], theirs_whole=whole[1])
    mirror = [[(100 - px, qty) for px, qty in book] for book in books]
    asked = differences(Side.SELL, *mirror, ours_whole=whole[0], theirs_whole=whole[1])
    assert {px: pair for (_, px), pair in found.items()} == {100 - px: pair for (_, px), pair in asked.items()}
    expected = {}
    if all(len(book) > 10 for book in books):
        for px in range(1, 61):
            below = all(px < book[9][0] for book in books)
            shown = all(w or px >= book[-1][0] for book, w in zip(books, whole, strict=True))
            pair = tuple(dict(book).get(px, 0) for book in books)
            if below and shown and pair[0] != pair[1]:
                expected[px] = pair
    assert {px: pair for (_, px), pair in found.items()} == expected


def l2(track, bids, asks, now, *, snapshot=True):
    track.apply(BookUpdate(INST, tuple(bids), tuple(asks), snapshot), now)


def l3(track, bids, asks, now):
    orders = [tuple(OrderEvent("add", f"O{px}", px, qty) for px, qty in side) for side in (bids, asks)]
    track.apply(OrdersUpdate(INST, *orders, True), now)


BIDS = [(1000 - i, 5 + i) for i in range(25)]
ASKS = [(1001 + i, 5 + i) for i in range(25)]


def pair(l3_bids=BIDS):
    """A book by levels and one by orders, both believed."""
    tracks = {"book": Track(INST, "book", 0, 25), "level3": Track(INST, "level3", 1, 100)}
    l2(tracks["book"], BIDS, ASKS, 1)
    l3(tracks["level3"], l3_bids, ASKS, 1)
    return tracks, DepthAudit(INST, tracks)


def beat(audit, now):
    return audit.beat(now, {0: now, 1: now})


def test_two_books_that_agree_prove_each_other_and_only_as_deep_as_both_reach():
    """The deeper one has levels that nobody else shows: REST is asked about those."""
    tracks, audit = pair()
    made = beat(audit, SETTLED + SECOND)
    assert [(t.audited_depth, t.usable(SETTLED + 2 * SECOND)) for t in tracks.values()] == [(25, 25), (25, 25)]
    assert made == [Ask("Depth", INST, count=100)]
    assert tracks["book"].usable(SETTLED + SECOND + AUDIT_GOOD) == 25
    assert tracks["book"].usable(SETTLED + 2 * SECOND + AUDIT_GOOD) == 10


def test_a_level_that_differs_twice_condemns_both_books():
    """One of two is wrong, and nobody knows which: neither is believed until it has a new snapshot."""
    spoiled = [*BIDS[:20], (BIDS[20][0], 1), *BIDS[21:]]
    tracks, audit = pair(spoiled)
    now = SETTLED + SECOND
    assert not any(isinstance(each, Fault) for each in beat(audit, now))
    assert tracks["book"].audited == 0
    faults = [each for each in beat(audit, now + AGAIN) if isinstance(each, Fault)]
    assert [fault.channel for fault in faults] == ["book", "level3"]
    assert "AUDIT_FAILED: 1 levels differ twice from L3, the first at 980 by 24 lots" in faults[0].why
    assert [(t.state, t.audits_failed, t.usable(now)) for t in tracks.values()] == [(BookState.SUSPECT, 1, 10)] * 2


def test_a_change_that_one_book_knew_first_is_no_error():
    """It differs once, and agrees the next time; another price may differ by then."""
    tracks, audit = pair()
    now = SETTLED + SECOND
    l2(tracks["book"], [(980, 1)], [], now, snapshot=False)
    beat(audit, now)
    l2(tracks["book"], [(980, 25), (979, 1)], [], now + SECOND, snapshot=False)
    assert not any(isinstance(each, Fault) for each in beat(audit, now + AGAIN))
    assert tracks["book"].audited == now + AGAIN
    l2(tracks["book"], [(979, 26)], [], now + AGAIN + 1, snapshot=False)
    beat(audit, now + AGAIN + PAIR_EVERY)
    assert tracks["book"].audited == now + AGAIN + PAIR_EVERY


def test_a_busy_price_where_both_books_moved_on_is_no_error():
    """An error stays as it was; this one differs twice because each time one of the two was ahead."""
    tracks, audit = pair()
    now = SETTLED + SECOND
    for at, ahead, behind in ((now, 7, 8), (now + AGAIN, 9, 6)):
        l2(tracks["book"], [(980, ahead)], [], at, snapshot=False)
        order = (OrderEvent("modify", "O980", 980, behind),)
        tracks["level3"].apply(OrdersUpdate(INST, order, (), False), at)
        assert not any(isinstance(each, Fault) for each in beat(audit, at))
    assert tracks["book"].audited == now + AGAIN


def test_a_difference_from_before_a_new_snapshot_is_not_held_against_it():
    """It was another life of the book."""
    tracks, audit = pair([*BIDS[:20], (BIDS[20][0], 1), *BIDS[21:]])
    now = SETTLED + SECOND
    beat(audit, now)
    for track in tracks.values():
        track.resubscribed("another reason", now)
        track.acknowledged()
        track.acknowledged()
    l2(tracks["book"], BIDS, ASKS, now + 1)
    l3(tracks["level3"], [*BIDS[:20], (BIDS[20][0], 1), *BIDS[21:]], ASKS, now + 1)
    assert not any(isinstance(each, Fault) for each in beat(audit, now + AGAIN))
    assert any(isinstance(each, Fault) for each in beat(audit, now + 2 * AGAIN))


def test_books_that_are_not_heard_are_not_compared():
    """A frozen connection's book is old, not wrong."""
    tracks, audit = pair([*BIDS[:20], (BIDS[20][0], 1), *BIDS[21:]])
    for second in range(3, 30):
        made = audit.beat(second * SECOND, {0: second * SECOND, 1: 0})
        assert not any(isinstance(each, Fault) for each in made)
    assert tracks["book"].audited == 0


def deep(update, book):
    """An update that removes or changes a level below the ten best without touching those, so no checksum shows it."""
    best = [{px for px, _, _ in book.levels(side, 11)} for side in (Side.BUY, Side.SELL)]
    inside = [
        px for levels, known in zip((update.bids, update.asks), best, strict=True) for px, _ in levels if px in known
    ]
    beyond = [
        px
        for side, levels in ((Side.BUY, update.bids), (Side.SELL, update.asks))
        for px, _ in levels
        if side * px < side * book.levels(side, 11)[-1][0]
    ]
    return len(beyond) == len(update.bids) + len(update.asks) and not inside


def as_rest(book, count, step):
    """The book as Depth tells it: quantities cut to three decimals."""
    sides = [tuple((px, qty - qty % step) for px, qty, _ in book.levels(side, count)) for side in (Side.BUY, Side.SELL)]
    return Depth(INST, *sides, step)


def without(stream, at):
    """The book that never heard message `at`, None when a checksum noticed."""
    track = Track(INST, "book", 0, 1000)
    noticed = [track.apply(update, 1) for i, update in enumerate(stream) if i != at]
    return None if any(noticed) else track


def test_a_lost_update_below_the_checksum_of_a_real_book_is_found_by_the_rest_snapshot():
    """Real frames, depth 1000: no later checksum notices; two snapshots do, and the true book passes the same audit."""
    codec, stream = KrakenCodec(), []
    for frame in read_frames(shared("captures/kraken_v1as2_book_5pairs_d1000_20210417a.frames.gz")):
        stream += [m for m in codec.decode(frame.data) if isinstance(m, BookUpdate) and m.inst.startswith("ETH/CHF")]
    true, step = Track(INST, "book", 0, 1000), 10 ** (codec.instruments["ETH/CHF"].qty_decimals - 3)
    candidates = []
    for i, update in enumerate(stream):
        if i > 5 and deep(update, true.book):
            rest = as_rest(true.book, 500, step)
            held = dict(rest.bids + rest.asks)
            if any(abs(held.get(px, 0) - qty) >= 2 * step for px, qty in (*update.bids, *update.asks)):
                candidates.append(i)
        assert true.apply(update, 1) is None
    robbed = next(track for at in reversed(candidates) if (track := without(stream, at)) is not None)
    assert (robbed.crc_bad, robbed.state) == (0, BookState.SYNCED)
    told = as_rest(true.book, 500, step)
    for track, verdict in ((true, []), (robbed, [INST])):
        audit, now = DepthAudit(INST, {"book": track}), SETTLED + SECOND
        assert beat(audit, now) == [Ask("Depth", INST, count=500)]
        assert audit.answered(told, now + 1) == []
        made = []
        if track is robbed:
            (_,) = beat(audit, now + 1 + AGAIN)
            made = audit.answered(told, now + 2 + AGAIN)
        assert [fault.inst for fault in made] == verdict
    assert true.usable(SETTLED + 2 * SECOND) == 500
    assert robbed.usable(SETTLED + 2 * SECOND) == 10
    assert REST_EVERY + AGAIN < AUDIT_GOOD


def test_a_book_that_began_anew_is_proven_again_soon_but_not_at_every_resync():
    """Deep levels are unproven after each snapshot; REST is asked at most every half minute for that."""
    track = Track(INST, "book", 0, 25)
    l2(track, BIDS, ASKS, 1)
    audit, now = DepthAudit(INST, {"book": track}), SETTLED + SECOND
    beat(audit, now)
    audit.answered(Depth(INST, tuple(BIDS), tuple(ASKS), 1), now + 1)
    assert track.usable(now + 1) == 25
    track.resubscribed("a doubt", now + 2)
    track.acknowledged()
    l2(track, BIDS, ASKS, now + 3)
    assert (track.state, track.usable(now + 3)) == (BookState.SYNCED, 10)
    assert beat(audit, now + REST_SOONEST - 1) == []
    assert beat(audit, now + REST_SOONEST) == [Ask("Depth", INST, count=25)]


def test_a_failed_question_leaves_the_depth_unproven_and_is_not_repeated_in_a_hurry():
    """Nothing is usable below the checksum that nobody confirmed."""
    track = Track(INST, "book", 0, 25)
    l2(track, BIDS, ASKS, 1)
    audit, now = DepthAudit(INST, {"book": track}), SETTLED + SECOND
    assert beat(audit, now) == [Ask("Depth", INST, count=25)]
    audit.failed(now)
    assert beat(audit, now + REST_EVERY - 1) == []
    assert len(beat(audit, now + REST_EVERY)) == 1
    assert track.usable(now) == 10
    audit.answered(Depth(INST, tuple(BIDS), tuple(ASKS), 1), now + REST_EVERY + 1)
    assert track.usable(now + REST_EVERY + 1) == 25


def test_the_venue_s_own_answer_is_read():
    """A real answer of Kraken's: best first, three decimals of quantity."""
    codec = KrakenCodec()
    codec.decode(
        b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USDT",'
        b'"bids":[{"price":1.0,"qty":0.00000001}],"asks":[]}]}'
    )
    (depth,) = codec.answer(
        "Depth", "BTC/USDT", shared("captures/kraken_rest_depth_xbtusdt_20251111.json").read_bytes()
    )
    assert depth.asks[0] == (1059443, 13_600_000)
    assert depth.step == 100_000
    assert all(a[0] < b[0] for a, b in pairwise(depth.asks))
    assert all(a[0] > b[0] for a, b in pairwise(depth.bids))
    assert msgspec.structs.asdict(depth)["inst"] == "BTC/USDT@kraken"
