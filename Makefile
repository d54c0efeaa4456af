# Two commands for a newcomer: `make demo` and `make test`. Each sets up its own .venv once, and reuses it.
# On Linux, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu spares you PyTorch's CUDA libraries.

PYTHON ?= python3
# Pinned: its CPU build is what the recipes and the exporter are tested with.
TORCH ?= torch==2.13.0

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
HOUSE := $(VENV)/house/edgeward
# Environments of their own: what ours is checked against is no dependency, and some of it fits with nothing else.
ORACLES := .venv-oracles
ANONYMETER := .venv-anonymeter
ORACLE_TESTS := tests/benchmarks/quality/oracles
LOADGEN_TESTS := tests/benchmarks/latency/oracles
TENSORRT_TESTS := tests/compression/oracles tests/runtime/backends/oracles
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
FOLDERS := devices runtime benchmarks training compression
# The thin install, as its users have it: the wheel and its core, no extra, on a Python of its own. What has no torch
# there is given a bundle that was made here.
FLOOR_PYTHON ?= 3.10
FLOOR_PINS ?= onnxruntime==1.23.2 numpy==2.2.6
THIN = .venv-thin-$(THIN_PYTHON)
THIN_BUNDLE := .cache/tiny.edgeward
THIN_TOOLS := cryptography onnx pytest pytest-timeout hypothesis scipy
THIN_TESTS := tests/test_size.py tests/test_thin_imports.py tests/devices tests/runtime \
	$(patsubst %,tests/edgeward/test_%.py,bench_command bundle_command devices_command generate help)
# pyenv's stand-ins answer to `command -v` for Pythons that they then refuse to start.
find_python = $(shell for python in $$(command -v python$(1)) $$HOME/.pyenv/versions/$(1).*/bin/python$(1); do \
	$$python -c "" 2>/dev/null && echo $$python && break; done)
export ORT_DISABLE_TELEMETRY := 1

.PHONY: help setup demo test test-slow test-floor test-newest test-thin test-aarch64 test-oracles test-anonymeter lint types wheel clean

help:
	@echo "make demo       train, compress, run and measure a small ECG generator; ends with a page to look at"
	@echo "make test       lint, types and the fast tests"
	@echo "make test-slow  the tests that take minutes"
	@echo "make test-floor, make test-newest"
	@echo "                the thin install with the oldest libraries on Python 3.10, with the newest on 3.12 and 3.13"
	@echo "make test-aarch64"
	@echo "                the runtime on emulated Raspberry Pis and Jetsons: right or not, no word on speed"
	@echo "make wheel      build dist/*.whl"
	@echo "make clean      remove what the others made"
	@echo "make test-oracles, make test-anonymeter"
	@echo "                the judge of data against other people's; each in an environment of its own"

setup: $(READY)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP_INSTALL) "$(TORCH)"
	$(BIN)/python $(PIP_INSTALL) --editable ".[dev]"
	@touch $@

demo: $(READY)
	$(BIN)/edgeward demo --output demo --seed 1 --overwrite

# A file's tests stay together, for the sake of what they share; one thread each, or the processes fight for the cores.
test: lint types
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

# Under two minutes once what it fetches is in .cache/aarch64; skipped, with the reason, where that cannot be had.
test-aarch64: $(READY)
	$(BIN)/python -m pytest -m aarch64 -rsP tests/aarch64

$(ORACLES)/ready: pyproject.toml
	$(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/python $(PIP_INSTALL) "$(TORCH)"
	$(ORACLES)/bin/python $(PIP_INSTALL) --editable ".[evaluate,oracles]"
	@touch $@

test-oracles: $(ORACLES)/ready
	$(ORACLES)/bin/python -m pytest -m oracle $(ORACLE_TESTS) $(LOADGEN_TESTS) $(TENSORRT_TESTS)

$(ANONYMETER)/ready:
	$(PYTHON) -m venv $(ANONYMETER)
	$(ANONYMETER)/bin/python $(PIP_INSTALL) "anonymeter==1.1.0" "pytest>=8" "pytest-timeout>=2.3"
	@touch $@

# Ours are computed here, anonymeter's there; files are all they share.
test-anonymeter: $(READY) $(ANONYMETER)/ready
	$(BIN)/python $(ORACLE_TESTS)/anonymeter_tables.py $(ANONYMETER)/tables
	EDGEWARD_ANONYMETER=$(ANONYMETER)/tables \
		$(ANONYMETER)/bin/python -m pytest --noconftest -m oracle -rP $(ORACLE_TESTS)/test_anonymeter.py

test-floor:
	$(MAKE) test-thin THIN_PYTHON=$(FLOOR_PYTHON) THIN_PINS="$(FLOOR_PINS)"

test-newest:
	$(MAKE) test-thin THIN_PYTHON=3.12
	$(MAKE) test-thin THIN_PYTHON=3.13

$(THIN_BUNDLE): $(READY) tests/tiny.py
	rm -rf $@
	mkdir -p $(dir $@)
	$(BIN)/python tests/tiny.py $@

# Not from here: a source folder called edgeward would hide the one that is installed.
test-thin: $(THIN_BUNDLE)
	@test -n "$(call find_python,$(THIN_PYTHON))" || { echo "There is no python$(THIN_PYTHON) on the PATH or among \
	pyenv's; install it to run this lane."; exit 1; }
	test -e $(THIN)/ready || $(call find_python,$(THIN_PYTHON)) -m venv --clear $(THIN)
	rm -rf build
	$(THIN)/bin/python $(PIP_INSTALL) --force-reinstall --no-deps .
	test -e $(THIN)/ready || $(THIN)/bin/python $(PIP_INSTALL) edgeward $(THIN_PINS)
	test -e $(THIN)/ready || $(THIN)/bin/python $(PIP_INSTALL) $(THIN_TOOLS) $(THIN_PINS)
	@touch $(THIN)/ready
	cd $(THIN) && EDGEWARD_TEST_BUNDLE=$(CURDIR)/$(THIN_BUNDLE) OMP_NUM_THREADS=1 bin/pytest --config-file ../pyproject.toml --rootdir .. -rs \
		--ignore ../tests/runtime/backends/oracles --fewest-passed 400 $(addprefix ../,$(THIN_TESTS))

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy cannot follow an editable install's finder; this tree of links shows it the folders as one package.
types: $(READY)
	@mkdir -p $(HOUSE)
	@for file in edgeward/*.py edgeward/py.typed edgeward/commands; do \
		ln -sfn ../../../$$file $(HOUSE)/$$(basename $$file); done
	@for folder in $(FOLDERS); do ln -sfn ../../../$$folder $(HOUSE)/$$folder; done
	$(BIN)/mypy

wheel: $(READY)
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) $(ORACLES) $(ANONYMETER) .venv-thin-* .cache build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
