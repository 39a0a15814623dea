"""desk/run/spin.py: the loop never sleeps and serves everything else; refused where a core cannot be spared."""

from __future__ import annotations

import asyncio
import os
import threading

import pytest
import uvloop

from desk.run.spin import Spin, cores, refusal


async def spun():
    """A spinning loop beside a timer, a pipe as standard input is one, a socket and a busy thread; how it went."""
    loop, spin, done = asyncio.get_running_loop(), Spin(), []
    reader = asyncio.StreamReader()
    end_out, end_in = os.pipe()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(end_out, "rb"))

    async def echo(source, sink):
        sink.write(await source.readline())
        sink.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    spin.start()
    timer = asyncio.Event()
    loop.call_later(0.05, timer.set)

    def work():
        done.append(sum(range(300_000)))
        os.write(end_in, b"typed\n")

    threading.Thread(target=work).start()
    assert await asyncio.wait_for(reader.readline(), 30) == b"typed\n"
    answer, ask = await asyncio.open_connection(*server.sockets[0].getsockname())
    ask.write(b"frame\n")
    assert await asyncio.wait_for(answer.readline(), 30) == b"frame\n"
    ask.close()
    await asyncio.wait_for(timer.wait(), 30)
    assert await asyncio.wait_for(asyncio.to_thread(sum, range(300_000)), 30) == 44999850000
    rounds = spin.rounds
    spin.stop()
    await asyncio.sleep(0.05)
    after = spin.rounds
    server.close()
    os.close(end_in)
    return rounds, after, done


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_spinning_loop_serves_timers_input_sockets_and_threads_and_stops(run):
    """Fails with a loop that starves one of them (each has 30 s), or that sleeps: that would be a handful of rounds."""
    rounds, after, done = run(spun())
    assert rounds > 500
    assert after == rounds
    assert done == [44999850000]


@pytest.mark.parametrize(("text", "most"), [("100000 100000\n", 1.0), ("150000 100000\n", 1.5), ("max 100000\n", 1e9)])
def test_a_containers_quota_counts_as_cores(tmp_path, text, most):
    """Two cores and a quota of one: the spinning loop would be stopped for half of every period."""
    quota = tmp_path / "cpu.max"
    quota.write_text(text)
    assert cores(quota) == min(most, cores(tmp_path / "no quota"))
    assert bool(refusal(cores(quota))) == (cores(quota) < 2)


def test_one_core_is_refused_with_the_reason():
    """A spinning loop on the only core takes it from the exchange, the recorder and the analyst."""
    assert "needs 2; this process may use 1." in refusal(1.0)
