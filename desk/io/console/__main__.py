"""`python -m desk.io.console < pictures.jsonl`: draw what comes in."""

import sys

from desk.io.console import run_console

if __name__ == "__main__":
    sys.exit(run_console())
