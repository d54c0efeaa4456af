"""Nothing phones home: engines that report their use are kept from it before they are imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from edgeward.runtime import Bundle

GENERATE = """
import os, sys
from pathlib import Path

def guard(event, arguments):
    if event.startswith("socket."):
        Path(sys.argv[3]).open("a").write(f"{event} {arguments}\\n")

sys.addaudithook(guard)  # holds in forked processes too
from edgeward.runtime import load
with load(sys.argv[1], backend=sys.argv[2]) as generator:
    generator.generate(1, seed=1)
    generator.generate(40, seed=1)
"""


def environment(home: Path, **more: str) -> dict[str, str]:
    """A user's environment: none of the switches that a test run may have set."""
    kept = {name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "CI")}
    places = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(home))
    return {**kept, **places, **more}


def test_generating_opens_no_socket_and_leaves_nothing_in_the_home_folder(
    small_bundle: Bundle, backend: str, tmp_path: Path
) -> None:
    home, sockets = tmp_path / "home", tmp_path / "sockets"
    home.mkdir()
    result = subprocess.run(
        [sys.executable, "-c", GENERATE, small_bundle.path, backend, sockets],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert list(home.rglob("*")) == []
    assert not sockets.exists(), sockets.read_text()


@pytest.mark.parametrize("set_before", [{}, {"ORT_DISABLE_TELEMETRY": "0"}])
def test_onnxruntimes_telemetry_is_off_before_it_is_imported(tmp_path: Path, set_before: dict[str, str]) -> None:
    (tmp_path / "onnxruntime.py").write_text(
        "import os\nraise ImportError('telemetry off: ' + os.environ['ORT_DISABLE_TELEMETRY'])\n"
    )
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from edgeward.runtime import BackendError
from edgeward.runtime.backends import Options, backend_named
try:
    backend_named("onnxruntime").open(b"", Options())
except BackendError as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env=environment(tmp_path, **set_before),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "telemetry off: 1" in result.stdout, result.stderr
