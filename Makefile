# Every target does its own set-up: a machine with Python 3.11+ and make needs nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help install run test quick check audit bench bench-grid kerb package deploy clean

STAGE ?= dev
# What belongs together stays together, the longest first (tests/conftest.py).
SPREAD := -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder
# What was compiled is kept, whatever the environment says: each process of the tests would compile all of it anew.
export PYTHONDONTWRITEBYTECODE :=
# A Python of Lambda's version, for bytecode; found by itself when it is on the PATH.
RUNTIME_PYTHON ?=

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Make .venv with everything pinned (the other targets do this themselves)

$(READY): requirements.txt requirements-solver.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Kerb needs Python 3.11 or newer; set PYTHON=...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements.txt -r requirements-solver.txt -r requirements-dev.txt
	@touch $@

run: $(READY) ## Run everything on this machine, show one paid session, and stay up
	@$(BIN)/python -m local $(ARGS)

test: $(READY) ## Run the tests on all cores; some of them: make test ARGS='tests/adapters -k ledger' (-n 0: in one process)
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

quick: $(READY) ## Run the tests of domain, protocol and services alone, properties by few examples
	@TESTS_QUICK=1 $(BIN)/python -m pytest $(SPREAD) tests/domain tests/protocol tests/services $(ARGS)

check: $(READY) ## Lint, format, types, who imports whom, known vulnerabilities
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
# A service out of reach is said, and passed over here: no one's train journey fails.
	@$(BIN)/python -m infrastructure.audit --unaudited-passes

audit: $(READY) ## Ask PyPI for known vulnerabilities of everything pinned; fails where it could not be asked
	@$(BIN)/python -m infrastructure.audit

bench: $(READY) ## Count AWS calls and measure, as ratios within one run
	@$(BIN)/python -m benchmarks $(ARGS)

# The judge of load balancing in ACN-Sim, which is no part of the project.
ACN ?= ../shared/grid/acn_scarce.py

bench-grid: $(READY) ## Measure load balancing: its time, our simulation, ACN-Sim (ACN=FILE) in a place of its own
	@$(BIN)/python -m benchmarks.grid --judge '$(ACN)' $(ARGS)

kerb: $(READY) ## The kerb command: make kerb ARGS='cost --chargers 500000 --sessions-per-day 100000'
	@$(BIN)/python -m cli $(ARGS)

package: $(READY) ## Make build/STAGE (dev): template, code and bill of materials for AWS
	@RUNTIME_PYTHON="$(RUNTIME_PYTHON)" $(BIN)/python -m infrastructure.package --stage $(STAGE)

deploy: $(READY) ## Package and deploy STAGE to the AWS account of the environment (docs/operations.md)
	@case "$(ARGS)" in *--release*|*--list*|*--plan*) ;; *) $(MAKE) --no-print-directory package ;; esac
	@$(BIN)/python -m infrastructure.deploy --stage $(STAGE) $(ARGS)

clean: ## Remove what install and the tools made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build
