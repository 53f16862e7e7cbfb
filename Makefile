# Everything a newcomer runs. Python 3.11 or newer is all that has to be there already: `make demo` or `make test` sets up
# the rest in .venv, PostgreSQL and Redis included.

.DEFAULT_GOAL := help
.PHONY: help setup demo up test check bench bench-growth bench-10m bench-picture chaos chaos-mutants clean

PYTHON ?= $(shell sh tools/find-python)
BIN := .venv/bin
# Becomes a command that ends when make is killed.
WITH_MAKE = exec $(BIN)/python precog/localstack/leash.py 15 $$PPID "" --

help: ## What there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

setup: ## The environment in .venv, renewed when pyproject.toml or constraints.txt changed
	@test -n '$(PYTHON)' || { sh tools/find-python; exit 1; }
	@'$(PYTHON)' tools/setup.py

demo: setup ## A tour: alerts raised, delivered, acknowledged, on servers of its own
	@$(BIN)/precog demo

up: setup ## The stack for daily use, until Ctrl-C; its data stays in .precog
	@$(BIN)/precog up

SUITE := $(BIN)/python -m pytest -q -n 4 --dist worksteal

test: setup ## The test suite, on servers of its own, in under four minutes
	@$(SUITE) -m 'not long'

check: setup ## What CI runs: format, lint, types, arrows between the rooms, then every test, with coverage
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo --no-cache
	@data=$$(mktemp -d) && trap 'rm -rf "$$data"' EXIT INT TERM && \
	COVERAGE_FILE="$$data/coverage" $(SUITE) --cov --cov-report=term:skip-covered

bench: setup ## Precog beside its floors, under 10 minutes; QUICK=1: under 90 s. Result and picture in build/bench
	@$(BIN)/python -m benchmarks --extent $(if $(QUICK),quick,full) --into build/bench

bench-growth: setup ## The cost as it grows: callers, workers, backlog, recipients, a storm, memory; LONG=1: 100,000 deliveries
	@$(BIN)/python -m benchmarks.growth --extent $(if $(LONG),long,full) --into build/bench

bench-10m: setup ## Questions to ten thousand, a million and ten million alerts, under 15 minutes and 20 GB of disk
	@$(BIN)/python -m benchmarks.table_size --into build/bench

bench-picture: setup ## docs/performance.svg of what was measured last; needs matplotlib (pip install -e '.[bench]')
	@$(BIN)/python -m benchmarks.picture build/bench docs/performance.svg

chaos: setup ## The fault suite, some six minutes; SEED=7 repeats a run
	@$(WITH_MAKE) $(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

chaos-mutants: setup ## Shows that the fault suite can fail: each guard taken out is noticed
	@$(WITH_MAKE) $(BIN)/python -m tests.chaos.mutants

clean: ## Takes away the environment and the caches; the data in .precog stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* build dist
	@find precog workers database config tests -name __pycache__ -type d -prune -exec rm -rf {} +
