# Two commands for a newcomer: `make demo` and `make test`. Each sets up its own .venv once, and reuses it.
# On Linux, PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu spares you PyTorch's CUDA libraries.

PYTHON ?= python3
# Pinned: its CPU build is what the recipes and the exporter are tested with.
TORCH ?= torch==2.13.0

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
HOUSE := $(VENV)/house/edgeward
FOLDERS := devices runtime benchmarks training compression
export ORT_DISABLE_TELEMETRY := 1

.PHONY: help setup demo test test-slow lint types wheel clean

help:
	@echo "make demo       train, compress, run and measure a small ECG generator; ends with a page to look at"
	@echo "make test       lint, types and the fast tests"
	@echo "make test-slow  the tests that take minutes"
	@echo "make wheel      build dist/*.whl"
	@echo "make clean      remove what the others made"

setup: $(READY)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

demo: $(READY)
	$(BIN)/edgeward demo --output demo --seed 1 --overwrite

test: lint types
	$(BIN)/python -m pytest

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

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
	rm -rf $(VENV) build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
