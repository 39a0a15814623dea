"""The way in, `./run`: real shell, real venv, real pip with hashes; only the packages and the program are tiny ones.

Python takes four seconds to make an environment: it makes one, and the others are copies of that one, still empty.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "import sys, tiny; print('program', tiny.NAME, *sys.argv[1:])\n"
WARM = "def warm():\n    print('warmed')\n"


def wheel(folder: Path, name: str, module: str, text: str) -> str:
    """Writes name-1.0, a package of one module, and returns its lock line."""
    folder.mkdir(exist_ok=True)
    made = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as whl:
        whl.writestr(f"{module}.py", text)
        whl.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        whl.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        whl.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n"


def tools(folder: Path, *extra: str) -> Path:
    """A PATH of exactly the POSIX tools the script uses: nothing else of this machine is found through it."""
    folder.mkdir()
    for name in ("sh", "dirname", "readlink", "cat", "cksum", "cp", "mv", "rm", "find", *extra):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def python(path: Path, empty: Path, first: str = "") -> None:
    """A Python that makes the environment `empty` once and copies it; `first`: shell lines before all else."""
    script(
        path,
        f"""#!/bin/sh
{first}
[ "$1 $2" = "-m venv" ] || exec "{sys.executable}" "$@"
[ -d "{empty}" ] || "{sys.executable}" -m venv "{empty}"
exec cp -a "{empty}" "$3"
""",
    )


class Checkout:
    """A checkout of two files in a folder with a space in its name, and an empty home."""

    def __init__(self, base: Path) -> None:
        self.root, self.home, self.bin = base / "a checkout", base / "home", tools(base / "bin")
        self.lock = wheel(base / "wheels", "tiny", "tiny", "NAME = 'tiny'\n")
        tests = wheel(base / "wheels", "tinytest", "pytest", "import sys; print('pytest', *sys.argv[1:])\n")
        peers = wheel(base / "wheels", "tinypeer", "peer", "NAME = 'peer'\n")
        (self.root / "benchmarks").mkdir(parents=True)
        (self.root / "requirements-bench.lock").write_text(peers)
        (self.root / "benchmarks/__main__.py").write_text("import sys; print('bench', *sys.argv[1:])\n")
        (self.root / "desk/kernels").mkdir(parents=True)
        self.home.mkdir()
        shutil.copy(ROOT / "run", self.root / "run")
        (self.root / "deploy_trading_systems.py").write_text(PROGRAM)
        (self.root / "desk/kernels/warm.py").write_text(WARM)
        (self.root / "requirements.lock").write_text(self.lock)
        (self.root / "requirements-dev.lock").write_text(self.lock + tests)
        self.empty = base / "empty"
        python(self.bin / "python3.11", self.empty)
        self.env = {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(base / "wheels"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_USER": "1",  # a user's own pip setting that refuses every venv
        }

    def start(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "run"), *args],
            cwd="/",
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            start_new_session=True,  # a Ctrl-C tried here must not reach pytest
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job hands down "ignore"
        )

    @property
    def stamp(self) -> Path:
        return self.root / ".venv/.installed"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("way-in"))
    checkout.first = checkout.start("--mode", "two words")  # type: ignore[attr-defined]
    return checkout


def test_the_first_start_installs_warms_and_runs_the_program_with_a_clean_stdout(installed: Checkout) -> None:
    """Breaks: `./run --json | jq` chokes on pip's chatter, or arguments with spaces are split."""
    first: subprocess.CompletedProcess[str] = installed.first  # type: ignore[attr-defined]
    assert first.returncode == 0, first.stderr
    assert first.stdout == "program tiny --mode two words\n"
    assert "installing requirements.lock" in first.stderr
    assert "compiling the kernels" in first.stderr
    assert "warmed" in first.stderr


def test_a_repeat_start_says_nothing_and_is_quick(installed: Checkout) -> None:
    """Breaks: every start pays for pip. (The budget is the whole start, Python included.)"""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        again = installed.start("x")
        took.append(time.perf_counter() - began)
        assert (again.stdout, again.stderr) == ("program tiny x\n", "")
    assert min(took) < 0.5


def test_the_verb_test_adds_what_tests_need_once_and_hands_its_arguments_on(installed: Checkout) -> None:
    """Breaks: `./run test -k "two words"` runs other tests, or the next plain start installs everything again."""
    first = installed.start("test", "-k", "two words")
    assert first.stdout == "pytest -k two words\n", first.stderr
    assert "installing requirements-dev.lock" in first.stderr
    assert installed.start("test").stderr == ""
    assert installed.start("x").stderr == ""  # the tests' lock holds all of the program's


def test_the_verb_bench_installs_its_peers_apart_once_and_runs_without_them_too(installed: Checkout) -> None:
    """Breaks: a peer's old pandas replaces the program's, or a peer that cannot be had ends the benchmark."""
    newer = installed.bin / "python3.13"  # says yes to every question, so it is one of 3.12 or newer
    asked = installed.home / "asked"
    python(newer, installed.empty, f'[ "$1" != -c ] || exit 0\necho "$@" >>"{asked}"')
    lock = installed.root / "requirements-bench.lock"
    whole = lock.read_text()
    lock.write_text("absent==9.9 --hash=sha256:" + "0" * 64 + "\n")
    without = installed.start("bench", "--quick")
    assert (without.returncode, without.stdout) == (0, "bench --quick\n"), without.stderr
    assert "their rows are left out" in without.stderr
    lock.write_text(whole)
    assert "installing requirements-bench.lock" in installed.start("bench").stderr
    assert asked.read_text() == "-m venv .venv-bench\n" * 2  # nautilus' Kraken client needs it
    newer.unlink()
    assert installed.start("bench").stderr == ""
    assert installed.start("x").stderr == ""
    assert list(installed.root.glob(".venv-bench/lib/*/site-packages/peer.py"))
    assert not list(installed.root.glob(".venv/lib/*/site-packages/peer.py"))


def test_a_changed_kernel_is_compiled_again(installed: Checkout) -> None:
    """Breaks: after an update the first tick waits for the compiler."""
    kernel = installed.root / "desk/kernels/new.py"
    kernel.write_text("")
    os.utime(kernel, (time.time() + 1, time.time() + 1))
    assert "compiling the kernels" in installed.start().stderr
    kernel.unlink()
    assert installed.start().stderr == ""


def test_a_kernel_that_cannot_be_compiled_ahead_does_not_stop_the_program(installed: Checkout) -> None:
    """Breaks: a read-only checkout cannot be started at all."""
    warm = installed.root / "desk/kernels/warm.py"
    warm.write_text("def warm():\n    raise SystemExit(1)\n")
    os.utime(warm, (time.time() + 1, time.time() + 1))
    answer = installed.start()
    assert answer.returncode == 0
    assert "when they are first used" in answer.stderr
    warm.write_text(WARM)
    assert installed.start().returncode == 0


def test_an_install_that_fails_leaves_no_stamp_and_is_finished_by_the_next_start(installed: Checkout) -> None:
    """Breaks: a torn install counts as whole, and every later start dies on a missing module."""
    lock = installed.root / "requirements.lock"
    lock.write_text(installed.lock + "absent==9.9 --hash=sha256:" + "0" * 64 + "\n")
    failed = installed.start()
    assert failed.returncode == 69
    assert "absent" in failed.stderr
    assert "Start again to retry" in failed.stderr
    assert failed.stdout == ""
    assert not installed.stamp.exists()
    lock.write_text(installed.lock)
    assert installed.start().stdout == "program tiny\n"
    assert installed.stamp.exists()


def test_a_package_whose_bytes_differ_from_the_lock_is_refused(installed: Checkout) -> None:
    """Breaks: a tampered package is installed."""
    lock = installed.root / "requirements.lock"
    lock.write_text("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")
    shutil.rmtree(installed.root / ".venv/lib", ignore_errors=True)  # and an environment broken half-way is remade
    refused = installed.start()
    assert refused.returncode == 69
    assert "HASH" in refused.stderr.upper()
    lock.write_text(installed.lock)
    assert installed.start().stdout == "program tiny\n"


def test_when_uv_fails_pip_does_the_work(installed: Checkout) -> None:
    """Breaks: behind a private certificate, where uv refuses and pip works, nothing can be installed."""
    script(installed.bin / "uv", "#!/bin/sh\necho uv: no certificate >&2\nexit 2\n")
    shutil.rmtree(installed.root / ".venv")
    answer = installed.start()
    (installed.bin / "uv").unlink()
    assert answer.stdout == "program tiny\n", answer.stderr
    assert "trying pip" in answer.stderr


def test_ctrl_c_in_the_middle_of_an_install_leaves_no_stamp(installed: Checkout) -> None:
    """Breaks: half an environment is taken for a whole one."""
    installed.stamp.unlink()
    script(installed.bin / "uv", "#!/bin/sh\nkill -INT 0\n")  # the terminal sends SIGINT to the whole group
    stopped = installed.start()
    (installed.bin / "uv").unlink()
    assert stopped.returncode in (-2, 130)
    assert stopped.stdout == ""
    assert not installed.stamp.exists()
    assert installed.start().stdout == "program tiny\n"


def test_without_python_it_names_the_version_and_the_line_that_installs_it(tmp_path: Path) -> None:
    """Breaks: a newcomer reads "not found" and leaves."""
    checkout = Checkout(tmp_path)
    script(checkout.bin / "python3.11", "#!/bin/sh\nexit 127\n")  # a version manager's shim: the name, not the thing
    answer = checkout.start()
    assert answer.returncode == 69
    assert answer.stdout == ""
    for words in ("Python 3.11 or newer", "sudo apt install python3 python3-venv", "brew install", "uv"):
        assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_without_the_venv_package_it_names_the_package(tmp_path: Path) -> None:
    """Breaks: Debian's "ensurepip is not available" reaches the user raw."""
    checkout = Checkout(tmp_path)
    python(checkout.bin / "python3.11", checkout.empty, 'case "$*" in *ensurepip*) exit 1;; esac')
    answer = checkout.start()
    assert answer.returncode == 69
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    assert f"sudo apt install {version}-venv" in answer.stderr
    assert not (checkout.root / ".venv").exists()


def pins(name: str) -> set[str]:
    """The name==version part of each line of a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return set(re.findall(r"^([A-Za-z0-9._-]+==[^ ;\\]+)", text, re.MULTILINE))


def test_the_lock_of_the_tests_holds_every_line_of_the_programs_lock() -> None:
    """Breaks: `./run test` stamps the program's packages as installed although one is missing."""
    assert len(pins("requirements.lock")) > 20
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_lock_files_name_no_registry() -> None:
    """Breaks: an install works only where somebody else's mirror is reachable."""
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-bench.lock"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")
