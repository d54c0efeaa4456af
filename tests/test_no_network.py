"""No command reaches for the network, as Python sees it and as the kernel does; nor does it leave an identifier.

onnxruntime and OpenVINO both report their use, the latter from Python, the former from C++ that no hook of Python sees.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeward.runtime import Bundle
from edgeward.runtime.backends import BACKENDS

PRESENT = [name for name, backend in BACKENDS.items() if backend.probe().available]
WAYS: dict[str, Callable[[Path, Path], list[str | Path]]] = {
    **{
        f"generate on {name}": lambda bundle, out, name=name: [  # type: ignore[misc]
            *("generate", bundle, "-n", "300", "--seed", "1", "--backend", name, "-o", out / "x.npz")
        ]
        for name in PRESENT
    },
    "generate by auto": lambda bundle, out: ["generate", bundle, "-n", "3", "--seed", "1", "-o", out / "x.npz"],
    "doctor": lambda bundle, out: ["doctor", bundle],
    "bundle verify": lambda bundle, out: ["bundle", "verify", bundle],
    "bench": lambda bundle, out: [
        *("bench", bundle, "--quick", "--precision", "fp32", "--processes", "1", "--max-time", "1")
    ],
}
COMMAND = "from edgeward.cli import main\nmain()"
HOOK = """
import sys
from pathlib import Path

log = Path(sys.argv.pop(1))

def guard(event, arguments):
    if event.startswith("socket."):
        log.open("a").write(f"{event} {arguments}\\n")
        raise OSError("no network here")

sys.addaudithook(guard)  # holds in forked processes too
"""


def run(command: list[str | Path], home: Path) -> subprocess.CompletedProcess[str]:
    """Run as a user would who has set none of the switches, and whose home is an empty folder."""
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    places = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(home))
    environment = {**kept, **places, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)


def left_behind(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and "edgeward" not in path.parts]


def python(program: str, *arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-c", program, *arguments]


@pytest.fixture
def watched() -> Callable[[list[str | Path], Path], list[str]]:
    """Run a command in a network of its own that has no interface; returns what it asked of the kernel all the same."""
    if not shutil.which("strace"):
        pytest.skip("strace, which watches what a program asks of the kernel, is not installed")
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("this system lets nobody have a network of their own (unshare -rn)")

    def watch(command: list[str | Path], folder: Path) -> list[str]:
        log = folder / "calls"
        tracing = ["unshare", "-rn", "strace", "-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", log]
        result = run([*tracing, *command], folder / "home")
        assert result.returncode == 0, result.stderr
        return [line for line in log.read_text().splitlines() if "(" in line and "AF_UNIX" not in line]

    return watch


@pytest.mark.parametrize("way", WAYS)
def test_no_command_opens_a_socket_or_looks_up_a_name(way: str, bundle: Bundle, tmp_path: Path) -> None:
    log, home = tmp_path / "sockets", tmp_path / "home"
    result = run(python(HOOK + COMMAND, log, *WAYS[way](bundle.path, tmp_path)), home)
    assert result.returncode == 0, result.stderr
    assert not log.exists(), log.read_text()
    assert left_behind(home) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("teacher", "recipe"), [("ecg-beats-vae-demo", "ecg-beats-demo"), ("table-vae", "table")])
def test_neither_training_nor_compression_opens_a_socket(
    teacher: str, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch's exporter, onnxruntime's quantiser and NNCF come along, and each would import engines on its own."""
    pytest.importorskip("torch")
    pytest.importorskip("nncf")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name, arguments in (
        ("train", ["train", "--recipe", teacher, "--seed", "1", "-o", tmp_path / "teacher.pt"]),
        ("compress", ["compress", tmp_path / "teacher.pt", "--recipe", recipe, "-o", tmp_path / "x.edgeward"]),
    ):
        log, home = tmp_path / f"sockets of {name}", tmp_path / f"home of {name}"
        result = run(python(HOOK + COMMAND, log, *arguments), home)
        assert result.returncode == 0, result.stderr
        assert not log.exists(), log.read_text()
        assert [file for file in left_behind(home) if "icrosoft" in str(file) or "intel" in str(file)] == []


@pytest.mark.parametrize("way", WAYS)
def test_no_command_asks_the_kernel_for_the_network(
    way: str, bundle: Bundle, watched: Callable[[list[str | Path], Path], list[str]], tmp_path: Path
) -> None:
    arguments = ["edgeward", *map(str, WAYS[way](bundle.path, tmp_path))]
    assert watched(python(f"import sys\nsys.argv = {arguments!r}\n{COMMAND}"), tmp_path) == []
    assert left_behind(tmp_path / "home") == []


def test_what_does_reach_for_the_network_is_seen_by_python(tmp_path: Path) -> None:
    program = "import socket\ntry: socket.getaddrinfo('localhost', 80)\nexcept OSError: pass"
    result = run(python(HOOK + program, tmp_path / "sockets"), tmp_path / "home")
    assert result.returncode == 0, result.stderr
    assert "socket.getaddrinfo" in (tmp_path / "sockets").read_text()


def test_what_does_reach_for_the_network_is_seen_by_the_kernel(
    watched: Callable[[list[str | Path], Path], list[str]], tmp_path: Path
) -> None:
    program = "import socket\ntry: socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError: pass"
    calls = watched(python(program), tmp_path)
    assert any("connect(" in call and "AF_INET" in call for call in calls), calls


def test_openvino_by_itself_would_reach_for_it(
    watched: Callable[[list[str | Path], Path], list[str]], tmp_path: Path
) -> None:
    for name in ("openvino", "openvino-telemetry"):
        if not list(importlib.metadata.distributions(name=name)):
            pytest.skip(f"{name} is not installed")
    calls = watched(python("import openvino"), tmp_path)
    assert calls, "it no longer reports its import: then the guard in runtime/backends/openvino.py has no purpose"
