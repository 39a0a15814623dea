"""Work on many symbols side by side, in processes: results in the order of the jobs, whatever the number of workers.

A worker costs about a second to start (its imports) and 200 MB, so a few jobs are done here: `workers_for` decides.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from desk.errors import DeskError
from desk.run.spin import cores

Job = TypeVar("Job")
Result = TypeVar("Result")
WORKERS_MAX = 4  # 200 MB each
AHEAD = 2  # jobs a worker may have waiting: they hold candles


def workers_for(jobs: int, jobs_a_worker: int) -> int:
    """How many processes are worth their start; 1: this one alone.

    >>> workers_for(3, 8), workers_for(15, 8)
    (1, 1)
    """
    return max(1, min(int(cores()), WORKERS_MAX, jobs // jobs_a_worker))


def each(work: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[tuple[Job, Result | Exception]]:
    """Every job with its result or what it raised, in order; jobs are drawn as workers come free.

    With more than one worker, `work` and the jobs must be picklable. A job that kills its process (memory, a crash in
    native code) comes back as a DeskError; the jobs beside it are done again, each in a process of its own.
    """
    if workers <= 1:
        for job in jobs:
            yield job, tried(work, job)
        return
    running: deque[tuple[Job, Future[Result]]] = deque()
    pool = _pool(workers)
    try:
        for job in jobs:
            while len(running) >= workers * AHEAD:
                first, future = running.popleft()
                outcome = _settled(work, first, future)
                yield first, outcome
            running.append((job, _submitted(pool, work, job)))
        while running:
            first, future = running.popleft()
            outcome = _settled(work, first, future)
            yield first, outcome
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    # Not forked: the parent may have threads. Ctrl-C is the parent's to answer.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))


def _submitted(pool: ProcessPoolExecutor, work: Callable[[Job], Result], job: Job) -> Future[Result]:
    try:
        return pool.submit(work, job)
    except BrokenProcessPool as err:
        broken: Future[Result] = Future()
        broken.set_exception(err)
        return broken


def _settled(work: Callable[[Job], Result], job: Job, future: Future[Result]) -> Result | Exception:
    found: Result | Exception = tried(lambda _: future.result(), job)
    if not isinstance(found, BrokenProcessPool):
        return found
    with _pool(1) as alone:  # the pool died, of this job or of one beside it
        found = tried(lambda again: alone.submit(work, again).result(), job)
    if isinstance(found, BrokenProcessPool):
        return DeskError("its process ended abruptly, most likely for want of memory; close other programs")
    return found


def tried(work: Callable[[Job], Result], job: Job) -> Result | Exception:
    """What the work gives, or what it raises."""
    try:
        return work(job)
    except Exception as err:  # noqa: BLE001 - handed on; one job's failure never costs the others
        return err
