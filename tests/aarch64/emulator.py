"""An ARM Linux to run Python in, without root: qemu and a guest's files from Debian packages, libraries from wheels.

All of it is fetched once and kept in one folder. Checked with Debian 12 (qemu 7.2, Python 3.11 inside).
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edgeward.devices import DeviceProfile

from .cpu_tree import write_cpu_tree

_PYTHON = "3.11"
_DEBS = f"""
libc6 libgcc-s1 libstdc++6 libgomp1 zlib1g libbz2-1.0 liblzma5 libexpat1 libffi8 libssl3 libcrypt1 libdb5.3
libgssapi-krb5-2 libncursesw6 libtinfo6 libreadline8 libnsl2 libtirpc3 libsqlite3-0 libuuid1
python{_PYTHON}-minimal libpython{_PYTHON}-minimal libpython{_PYTHON}-stdlib
""".split()
# 2_35 is openvino's, 2014 that of old numpys.
_PLATFORMS = [f"manylinux{version}_aarch64" for version in ("_2_28", "_2_27", "_2_35", "2014")]

LIBRARIES = {
    "latest": ("onnxruntime", "numpy", "openvino"),
    "floor": ("onnxruntime==1.23.2", "numpy==2.2.6"),
}
"""What a guest has, by the name of its set."""


class UnobtainableError(Exception):
    """Something cannot be fetched here; the message says what."""


@dataclass(frozen=True)
class Emulator:
    """What an emulated machine is made from."""

    qemu: Path
    root: Path
    """Files of the guest's Linux."""
    sites: Path
    """A folder of Python packages per set of `LIBRARIES`."""

    def run(
        self, profile: DeviceProfile, libraries: str, house: Path, arguments: list[str | Path], work: Path
    ) -> subprocess.CompletedProcess[str]:
        """Run Python on an emulated machine.

        Args:
            profile: The machine.
            libraries: Name of a set of `LIBRARIES`.
            house: Folder that holds the package edgeward.
            arguments: Of Python.
            work: An empty folder for the files that are this machine's own.
        """
        assert profile.emulate is not None
        root = work / "root"
        shutil.copytree(self.root, root, symlinks=True, copy_function=os.link)  # links: the files are never written
        write_cpu_tree(profile, root)
        guest = {
            "PYTHONPATH": f"{house}:{self.sites / libraries}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        command = [self.qemu, "-cpu", profile.emulate.qemu_cpu, "-L", root]
        command += [word for name, value in guest.items() for word in ("-E", f"{name}={value}")]
        command += [root / f"usr/bin/python{_PYTHON}", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, cwd=work)


def fetch_emulator(cache: Path) -> Emulator:
    """Fetch what is not in `cache` yet.

    Raises:
        UnobtainableError: apt, its packages or the wheels cannot be had here.
    """
    if sys.platform != "linux" or not all(map(shutil.which, ("apt-get", "dpkg"))):
        raise UnobtainableError("packages are fetched by apt-get and dpkg, which this system lacks")
    emulator = Emulator(cache / "qemu/usr/bin/qemu-aarch64-static", cache / "root", cache / "sites")
    _once(cache / "qemu", _unpack_qemu)
    _once(cache / "root", lambda folder: _unpack_debs(folder, _DEBS, _arm_apt(cache / "apt")))
    for name, libraries in LIBRARIES.items():
        _once(cache / "sites" / name, lambda folder, wanted=libraries: _install_wheels(folder, wanted))
    return emulator


def _once(folder: Path, fill: "object") -> None:
    """Fill a folder that is not there; it appears whole or not at all."""
    if folder.exists():
        return
    half = folder.with_name(folder.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    fill(half)
    half.rename(folder)


def _arm_apt(folder: Path) -> dict[str, str]:
    """An environment in which apt knows the packages of ARM, without touching those of this machine."""
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "status").touch()
    (folder / "apt.conf").write_text(
        'APT::Architecture "arm64"; APT::Architectures { "arm64"; };\n'
        f'Dir::State::Lists "{folder}/lists"; Dir::State::status "{folder}/status"; Dir::Cache "{folder}/cache";\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
    _fetch(["apt-get", "update", "-qq"], folder, environment)
    return environment


def _unpack_debs(folder: Path, names: list[str], environment: dict[str, str]) -> None:
    debs = folder.with_name(folder.name + ".debs")
    shutil.rmtree(debs, ignore_errors=True)
    debs.mkdir()
    # apt wants to change to a user of its own, who may not write here.
    _fetch(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", *names], debs, environment)
    for deb in sorted(debs.iterdir()):
        _fetch(["dpkg", "-x", deb, folder], debs, environment)
    shutil.rmtree(debs)


def _unpack_qemu(folder: Path) -> None:
    _unpack_debs(folder, ["qemu-user-static"], os.environ.copy())
    for other in (folder / "usr/bin").iterdir():  # of a processor that is of no use here: 350 MB
        if other.name != "qemu-aarch64-static":
            other.unlink()


def _install_wheels(folder: Path, wanted: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "--no-compile"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", _PYTHON]
    command += [word for abi in (f"cp{_PYTHON.replace('.', '')}", "abi3", "none") for word in ("--abi", abi)]
    command += [word for platform in _PLATFORMS for word in ("--platform", platform)]
    _fetch([*command, *wanted], folder, os.environ.copy())


def _fetch(command: list[str | Path], cwd: Path, environment: dict[str, str]) -> None:
    result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=280)
    if result.returncode:
        words = " ".join(map(str, command[:2]))
        raise UnobtainableError(f"{words} failed: {result.stderr.strip()[-300:]}")
