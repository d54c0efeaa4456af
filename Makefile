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
TENSORRT_TESTS := tests/compression/oracles tests/runtime/backends/oracles
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
FOLDERS := devices runtime benchmarks training compression
export ORT_DISABLE_TELEMETRY := 1

.PHONY: help setup demo test test-slow test-oracles test-anonymeter lint types wheel clean

help:
	@echo "make demo       train, compress, run and measure a small ECG generator; ends with a page to look at"
	@echo "make test       lint, types and the fast tests"
	@echo "make test-slow  the tests that take minutes"
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

$(ORACLES)/ready: pyproject.toml
	$(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/python $(PIP_INSTALL) "$(TORCH)"
	$(ORACLES)/bin/python $(PIP_INSTALL) --editable ".[evaluate,oracles]"
	@touch $@

test-oracles: $(ORACLES)/ready
	$(ORACLES)/bin/python -m pytest -m oracle $(ORACLE_TESTS) $(TENSORRT_TESTS)

$(ANONYMETER)/ready:
	$(PYTHON) -m venv $(ANONYMETER)
	$(ANONYMETER)/bin/python $(PIP_INSTALL) "anonymeter==1.1.0" "pytest>=8" "pytest-timeout>=2.3"
	@touch $@

# Ours are computed here, anonymeter's there; files are all they share.
test-anonymeter: $(READY) $(ANONYMETER)/ready
	$(BIN)/python $(ORACLE_TESTS)/anonymeter_tables.py $(ANONYMETER)/tables
	EDGEWARD_ANONYMETER=$(ANONYMETER)/tables \
		$(ANONYMETER)/bin/python -m pytest --noconftest -m oracle -rP $(ORACLE_TESTS)/test_anonymeter.py

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
	rm -rf $(VENV) $(ORACLES) $(ANONYMETER) build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
