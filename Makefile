# Everything that one does with Slotlight from a checkout; `make discover` and `make test` need nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)


# A process a core for the tests, and a thread a process.
test check: export OMP_NUM_THREADS := 1

.PHONY: help setup discover test test-slow drills check lint format bench docs wheel tools clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/ready  ## the environment, with everything that the other targets use

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

discover: setup  ## objects in four sample photographs
	$(BIN)/slotlight discover --samples --out out/samples

test: setup  ## the tests that take seconds
	$(BIN)/pytest -q -n auto --dist loadfile

test-slow: $(VENV)/docs-ready  ## the tests that take minutes
	$(BIN)/pytest -q -m slow

TOOLS := datumaro==1.13.12 cvat-sdk==2.80.0 label-studio-sdk==2.1.2 label-studio-ml==1.0.9,redis,rq fiftyone==1.22.1
tools:  ## labelling tools, each in an environment of its own, for the slow tests that run them
	for tool in $(TOOLS); do \
	  $(PYTHON) -m venv .tools/$${tool%%==*} && .tools/$${tool%%==*}/bin/pip install --quiet $$(echo $$tool | tr , ' ') || exit 1; \
	done

drills: setup  ## damaged inputs by the thousand: what breaks, and what is promised not to
	$(BIN)/pytest -q -m slow tests/drills

check: lint test  ## format, lint, types, tests: what must be green before anything lands

lint: setup  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup  ## mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## how fast it is, as ratios taken side by side
	$(BIN)/python -m benchmarks

$(VENV)/docs-ready: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

docs: $(VENV)/docs-ready  ## the docs site, warnings as errors -> out/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: setup  ## the wheel -> out/dist/, tried in an empty environment
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir out/dist .
	$(BIN)/pytest -q -m slow tests/test_wheel.py

clean:  ## leave the checkout as it was cloned
	rm -rf $(VENV) .tools out runs build .mypy_cache .ruff_cache .pytest_cache .hypothesis src/*.egg-info
