"""What a person's command, or that of a process on a person's behalf, does to the account."""

from __future__ import annotations

from desk.events import Command
from desk.risk.account import Account


def obey(account: Account, command: Command) -> tuple[str, bool]:
    """Set or lift the latches that the command speaks of: what is to be told of it, and whether any was lifted."""
    why = command.why
    if command.what == "pause":
        account.halt("paused", why or "paused by a person")
    elif command.what == "resume":
        lifted = account.rearm(why)
        return (f"lifted: {lifted}", True) if lifted else ("nothing lifted: re-arming needs a reason", False)
    elif command.what == "kill":
        account.kill(why or "killed by a person")
    elif command.what == "halt":  # what a breaker decided in an earlier session
        code, _, why = why.partition(": ")
        account.halt(code, why)
    elif command.what in ("broken", "mended"):
        account.unrecorded = why if command.what == "broken" else ""
    return why, False
