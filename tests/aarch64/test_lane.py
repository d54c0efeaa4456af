"""On emulated ARM boards, old libraries and new give the results of this machine: correctness, no word on speed."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from edgeward.devices import device_names, device_profile
from edgeward.runtime import Bundle
from edgeward.runtime.golden import relative_error

from . import guest
from .emulator import Emulator, UnobtainableError, fetch_emulator
from .operators import parity_graphs

# A minute on an idle machine; the fixtures of the first test do the work of all.
pytestmark = [pytest.mark.aarch64, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("EDGEWARD_AARCH64_CACHE", ROOT / ".cache/aarch64"))
PROFILES = [name for name in device_names() if device_profile(name).emulate]
ENGINES = {"latest": ["onnxruntime", "openvino"], "floor": ["onnxruntime"]}
ROWS = [(name, libraries, engine) for name in PROFILES for libraries, names in ENGINES.items() for engine in names]
OPERATOR_LIMIT = 1e-4
"""At outputs of up to 33: right ones differ by 1e-5, wrong ones by 17 and more."""


class Found(NamedTuple):
    """What one engine gave on one machine."""

    arrays: dict[str, npt.NDArray[np.float32]]
    told: dict[str, dict[str, object]]


@pytest.fixture(scope="session")
def emulator() -> Emulator:
    try:
        return fetch_emulator(CACHE)
    except UnobtainableError as error:
        pytest.skip(f"no emulated ARM machine: {error}")


@pytest.fixture(scope="session")
def job(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every machine is given."""
    folder = tmp_path_factory.mktemp("job")
    shutil.copytree(bundle.path, folder / "bundle.edgeward")
    (folder / "ops").mkdir()
    for name, graph in parity_graphs().items():
        (folder / "ops" / f"{name}.onnx").write_bytes(graph)
    x = np.random.default_rng(4).standard_normal((1, 16, 32)).astype(np.float32)
    np.savez(folder / "ops.npz", x=x)
    return folder


@pytest.fixture(scope="session")
def here(job: Path) -> Found:
    """The results of this machine."""
    pytest.importorskip("openvino")
    arrays = guest.results(job, ENGINES["latest"])
    return Found(arrays, json.loads(str(arrays.pop("told"))))


@pytest.fixture(scope="session")
def there(
    emulator: Emulator, job: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Found | str]:
    """The results of every emulated machine and set of libraries, or what went wrong."""
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "edgeward", house / "edgeward", ignore=shutil.ignore_patterns("__pycache__"))
    for floor in ("devices", "runtime"):
        shutil.copytree(ROOT / floor, house / "edgeward" / floor, ignore=shutil.ignore_patterns("__pycache__"))

    def run(name: str, libraries: str) -> Found | str:
        # Beside the cache: what is linked must lie on the same disk.
        work = CACHE / "work" / f"{name}-{libraries}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        program = [Path(guest.__file__), job, work / "out.npz", *ENGINES[libraries]]
        result = emulator.run(device_profile(name), libraries, house, program, work)
        if result.returncode:
            return f"exit code {result.returncode}: {result.stderr[-2000:]}"
        with np.load(work / "out.npz") as content:
            arrays = dict(content)
        shutil.rmtree(work)
        return Found(arrays, json.loads(str(arrays.pop("told"))))

    runs = [(name, libraries) for name in PROFILES for libraries in ENGINES]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return dict(zip(runs, pool.map(lambda keys: run(*keys), runs), strict=True))


@pytest.fixture(scope="session")
def rows() -> list[dict[str, object]]:
    """For the report: each test of a machine adds its own."""
    return []


@pytest.mark.parametrize(("name", "libraries", "engine"), ROWS, ids=map("-".join, ROWS))
def test_a_machine_gives_the_noise_the_golden_samples_and_the_samples_of_this_one(
    name: str,
    libraries: str,
    engine: str,
    here: Found,
    there: dict[tuple[str, str], Found | str],
    rows: list[dict[str, object]],
) -> None:
    found = there[name, libraries]
    assert isinstance(found, Found), found
    profile = device_profile(name)
    assert profile.emulate is not None
    assert (found.told["host"]["architecture"], found.told["host"]["cpu_class"]) == ("aarch64", profile.cpu_class)
    for inputs in ("noise", "condition"):
        assert found.arrays[inputs].tobytes() == here.arrays[inputs].tobytes()

    samples = [key for key in found.arrays if key.startswith(f"{engine}/sample/")]
    assert len(samples) == 2, "fp32 and int8"
    golden = {key: value for key, value in found.told["golden"].items() if key.startswith(f"{engine} ")}
    assert len(golden) == 2
    apart = {key.rpartition("/")[2]: relative_error(found.arrays[key], here.arrays[key]) for key in samples}
    operators = {
        key.rpartition("/")[2]: float(np.abs(array - here.arrays[f"onnxruntime/op/{key.rpartition('/')[2]}"]).max())
        for key, array in found.arrays.items()
        if key.startswith(f"{engine}/op/")
    }
    rows.append(
        {
            "device": name,
            "engine": f"{engine} {found.told['engines'][engine]['version']}",  # type: ignore[index]
            "fidelity": profile.emulate.fidelity,
            "golden": golden,
            "apart_from_x86": apart,
            "operators": operators,
        }
    )
    for error, tolerance in golden.values():  # type: ignore[misc]
        assert error <= tolerance, golden
    for variant, error in apart.items():
        assert error <= found.told["golden"][f"{engine} {variant}"][1], apart  # type: ignore[index, operator]


def wrong_operators(row: dict[str, object]) -> set[str]:
    operators = row["operators"]
    assert isinstance(operators, dict)
    assert len(operators) == 16
    return {name for name, error in operators.items() if not error <= OPERATOR_LIMIT}


def test_operators_are_right_but_for_those_openvino_is_known_to_get_wrong(rows: list[dict[str, object]]) -> None:
    """Once OpenVINO computes them right, this test says so: then docs/devices.md may say it too."""
    if not rows:
        pytest.skip("no emulated machine ran")
    known = {name for name in parity_graphs() if name.startswith("convtranspose1d")}
    for row in rows:
        expected = known if str(row["engine"]).startswith("openvino") else set()
        assert wrong_operators(row) == expected, row


def test_every_row_is_marked_and_kept(rows: list[dict[str, object]]) -> None:
    if not rows:
        pytest.skip("no emulated machine ran")
    assert {row["fidelity"] for row in rows} == {"correctness-only"}
    (CACHE / "rows.json").write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        apart = ", ".join(f"{variant} {error:.1e}" for variant, error in row["apart_from_x86"].items())  # type: ignore[attr-defined]
        wrong = ", ".join(sorted(wrong_operators(row))) or "none"
        line = f"{row['device']:<22} {row['engine']:<22} {row['fidelity']}: apart from x86 by {apart}; wrong: {wrong}"
        print(line)  # noqa: T201 - pytest -rP shows it
