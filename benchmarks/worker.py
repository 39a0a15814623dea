"""One contender in a process of its own, asked for one repetition at a time: `python -m benchmarks.worker GROUP ENTRY`.

The input comes as the first line of stdin, then a line for each repetition; each is answered by one line of JSON. An
exception is an answer too, {"missing": the reason}: a peer that is not installed, or that broke.
"""

from __future__ import annotations

import gc
import json
import os
import sys

from benchmarks.contenders import Given, Result, Work
from benchmarks.contenders.measure import pin


def main(group: int, entry: int) -> None:
    answers = os.fdopen(os.dup(1), "w")  # whatever a peer prints goes to stderr
    os.dup2(2, 1)

    def answer(result: Result) -> None:
        print(json.dumps(result), file=answers, flush=True)

    work: Work | None = None
    os.environ.setdefault("UV_USE_IO_URING", "0")  # or uvloop's first 10 ms hold a polling kernel thread (run/stop.py)
    pin(0)
    try:
        from benchmarks.rows import GROUPS

        given: Given = json.loads(sys.stdin.readline())
        work = GROUPS[group].entries[entry].contender(given)
        gc.collect()
        gc.freeze()
        answer({})
        for _ in sys.stdin:
            answer(work())
    except ModuleNotFoundError as err:
        answer({"missing": f"{err.name} is not installed"})
    except Exception as err:  # noqa: BLE001  the reason is the row
        answer({"missing": f"{type(err).__name__}: {str(err)[:160]}"})
    answers.close()
    sys.stdout.flush()
    os._exit(0)  # some peers leave threads and timers that would keep us


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
