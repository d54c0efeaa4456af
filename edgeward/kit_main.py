"""The first file of a kit that `kit` packs, there called `__main__`: unpack the rest, and measure the bundles in it.

An old Python must be able to read this file, to be told that it is too old: so nothing newer than 3.6 stands here.
"""

import importlib.util
import os
import sys
import tempfile
import zipfile
from pathlib import Path

PYTHON = (3, 10)
REQUIRED = {"click": "click>=8.1", "numpy": "numpy>=1.26", "onnxruntime": "onnxruntime>=1.20,<2"}
"""What must be importable, and what pip is asked for; as in pyproject.toml."""
REQUIRED_BEFORE_311 = {"tomli": "tomli>=2"}


def missing() -> "list[str]":
    """What pip must be asked for."""
    needed = REQUIRED if sys.version_info >= (3, 11) else dict(REQUIRED, **REQUIRED_BEFORE_311)
    return [wanted for name, wanted in needed.items() if importlib.util.find_spec(name) is None]


def main() -> None:
    """Run `edgeward bench contribute` on the bundles of the kit, with the arguments that were given."""
    if sys.version_info < PYTHON:
        sys.exit(f"kit: this is Python {sys.version.split()[0]}, and it takes 3.10 or newer")
    absent = missing()
    if absent:
        wanted = " ".join(f"'{name}'" for name in absent)
        sys.exit(f"kit: something is missing here; install it with: {sys.executable} -m pip install {wanted}")
    archive = Path(__file__).resolve().parent
    with tempfile.TemporaryDirectory(prefix="edgeward-kit-") as folder:
        with zipfile.ZipFile(archive) as kit:
            kit.extractall(folder)
        # From a folder Python keeps what it has compiled, so that starts take as long as those of an installed package.
        sys.path[:] = [folder, *(place for place in sys.path if Path(place).resolve() != archive)]
        bundles = map(str, sorted(Path(folder, "bundles").iterdir()))
        sys.argv = ["edgeward", "bench", "contribute", *bundles, *sys.argv[1:]]
        from edgeward.cli import main as edgeward
        from edgeward.runtime.places import CACHE_VARIABLE

        os.environ.setdefault(CACHE_VARIABLE, str(Path(folder, "cache")))
        edgeward()


if __name__ == "__main__":
    main()
