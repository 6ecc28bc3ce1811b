# Works from a fresh checkout with Python >= 3.11 and make, nothing else prepared.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= reports/run
FUZZ   ?= 20000

.PHONY: report test fuzz lint docs bench lab install clean
report: $(VENV)/.installed
	$(BIN)/osteo-epi run --out $(OUT) --overwrite

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n auto --dist worksteal

fuzz: $(VENV)/.installed-test
	$(BIN)/python tests/fuzz/fuzz.py --inputs $(FUZZ)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo docs/_build/index.html

# All that tests, lint and docs need, one after the other: they may run side by side then.
install: $(VENV)/.installed-test
	@$(MAKE) --no-print-directory $(VENV)/.installed-docs

bench: $(VENV)/.installed-bench
	$(BIN)/python benchmarks/bench_classify.py

lab: $(VENV)/.installed-notebooks
	$(BIN)/jupyter lab notebooks

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "osteo-epi needs Python 3.11 or newer; name one with: make PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# Installed once and again whenever the dependencies change.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,bench]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-notebooks: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[notebooks]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) dist docs/_build docs/_made docs/jupyter_execute .pytest_cache .ruff_cache .mypy_cache
