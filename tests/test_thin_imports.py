"""The thin install stays thin: fresh interpreters load no training library, no engine and no floor they do not need."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from edgeward.runtime import Bundle, load

ROOT = Path(__file__).parents[1]
ENGINES = {"onnxruntime", "openvino", "tensorrt"}
SERVER_SIDE = {"torch", "onnx", "onnxscript", "onnxslim", "torch_pruning", "scipy", "sklearn", "wfdb", "matplotlib"}
UNUSED = {"sympy", "mpmath", "coloredlogs", "humanfriendly"}
"""What old versions of onnxruntime depend on and need for their tools only: a small device may remove them."""
FORMAT_LIBRARIES = {"pyarrow", "pydicom", "pandas", "xarray"}
UPPER_FLOORS = {"edgeward.benchmarks", "edgeward.training", "edgeward.compression", "edgeward.commands", "edgeward.cli"}


def loaded_by(program: str, *arguments: str | Path) -> set[str]:
    """Names of all modules a fresh interpreter has loaded after the program."""
    tell = "\nimport json as _json, sys as _sys\nprint('\\n' + _json.dumps(sorted(_sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program + tell, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


def thin_modules() -> list[str]:
    files = [file for floor in ("devices", "runtime") for file in (ROOT / floor).rglob("*.py")]
    names = [".".join(("edgeward", *file.relative_to(ROOT).with_suffix("").parts)) for file in files]
    return sorted(name.removesuffix(".__init__") for name in names)


def test_importing_the_package_loads_nothing_else() -> None:
    loaded = loaded_by("import edgeward")
    assert {name for name in loaded if name.startswith("edgeward")} == {"edgeward"}
    assert not loaded & {"numpy", "click", *ENGINES, *SERVER_SIDE}


def test_the_thin_floors_load_no_engine_no_training_library_and_no_upper_floor() -> None:
    loaded = loaded_by("import edgeward, edgeward.runtime, edgeward.devices")
    assert "edgeward.runtime.generator" in loaded
    assert not loaded & (ENGINES | SERVER_SIDE | FORMAT_LIBRARIES | UPPER_FLOORS)


def test_no_single_module_of_the_thin_floors_loads_more() -> None:
    modules = thin_modules()
    assert "edgeward.runtime.backends.openvino" in modules
    loaded = loaded_by("import " + ", ".join(modules))
    assert not loaded & (ENGINES | SERVER_SIDE | FORMAT_LIBRARIES | UPPER_FLOORS)


def test_devices_need_nothing_but_the_standard_library() -> None:
    loaded = loaded_by("import edgeward.devices; edgeward.devices.this_host()")
    before = loaded_by("")
    added = {name.partition(".")[0] for name in loaded - before}
    assert added - set(sys.stdlib_module_names) - {"tomli"} == {"edgeward"}  # tomli: only on Python 3.10
    assert "edgeward.runtime" not in loaded


def test_generating_loads_one_engine_and_no_training_library(bundle: Bundle) -> None:
    program = """
import sys, edgeward
with edgeward.load(sys.argv[1], backend="onnxruntime") as generator: generator.generate(2, seed=1)
"""
    loaded = loaded_by(program, bundle.path)
    assert loaded & ENGINES == {"onnxruntime"}
    assert not loaded & (SERVER_SIDE | UPPER_FLOORS | UNUSED)


def test_a_remembered_choice_loads_no_other_engine(bundle: Bundle) -> None:
    program = """
import sys, edgeward
with edgeward.load(sys.argv[1]) as generator:
    print(generator.choice.how, generator.choice.backend)
"""
    with load(bundle):
        pass
    with load(bundle) as generator:
        assert generator.choice.how == "remembered"
        assert loaded_by(program, bundle.path) & ENGINES == {generator.choice.backend}


def test_the_start_of_generate_waits_for_nothing_it_does_not_need() -> None:
    loaded = loaded_by("import edgeward.cli, edgeward.commands.generate") - loaded_by("import numpy, click")
    slow = {
        "importlib.metadata",
        "email",
        "logging",
        "tomllib",
        "statistics",
        "concurrent.futures",
        "asyncio",
        "socket",
    }
    assert not loaded & (slow | ENGINES)
    assert "edgeward.devices.profile" not in loaded


def test_latency_is_measured_without_a_training_library() -> None:
    assert not loaded_by("import edgeward.benchmarks.latency.bundle_latency") & (ENGINES | SERVER_SIDE)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"]]
    + [
        [name, "--help"]
        for name in (
            "demo",
            "data",
            "train",
            "compress",
            "generate",
            "bench",
            "evaluate",
            "compare",
            "bundle",
            "doctor",
        )
    ],
    ids=" ".join,
)
def test_help_answers_without_an_engine_or_a_training_library(arguments: list[str]) -> None:
    program = f"""
import sys
sys.argv = ["edgeward", *{arguments!r}]
from edgeward.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert not loaded_by(program) & (ENGINES | SERVER_SIDE | FORMAT_LIBRARIES)


def test_data_are_generated_where_no_training_library_is_installed(bundle: Bundle, tmp_path: Path) -> None:
    program = """
import sys
for name in sys.argv[3].split():
    sys.modules[name] = None  # importing it fails, as where it is not installed
sys.argv = ["edgeward", "generate", sys.argv[1], "-n", "3", "--seed", "1", "-o", sys.argv[2]]
from edgeward.cli import main
main()
"""
    absent = " ".join(SERVER_SIDE | {"openvino", "jinja2", "pandas"})
    result = subprocess.run(
        [sys.executable, "-c", program, bundle.path, tmp_path / "x.npz", absent],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "x.npz").stat().st_size > 0
