# Watchword's commands. `make` lists them; each does the set-up that it needs.
#
# PYTHON=…  the Python to build .venv with      ARGS=…  more arguments for pytest, quickstart or the benchmark

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh
# Images for containers like to set it. Every command would then compile all of its libraries anew: two seconds each.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PYTEST := $(BIN)/pytest
POSTGRES := $(notdir $(firstword $(wildcard /usr/lib/postgresql/*)))
FAST_TESTS := $(wildcard tests/unit tests/storage tests/tokens tests/web tests/architecture)
# What may differ between versions of PostgreSQL: DDL, migrations, triggers, partitions, searches, plans, locks, looks.
OF_VERSION := $(patsubst %,tests/storage/test_%.py,schema upgrades postgresql log_partitions log_closing logs \
	search search_index counts transactions) tests/tokens/test_directory.py tests/tokens/test_vitals_postgresql.py
TYPED := src tests $(wildcard benchmarks)

.PHONY: help setup setup-dev setup-node quickstart check fmt fmt-check lint types imports test-fast test test-postgresql soak bench reference pictures lock upgrade clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Make .venv with all that the server needs
	@scripts/setup server
	@echo "Ready: $(BIN)/watchword"

setup-dev: ## ... and all that checks and tests need
	@scripts/setup dev

setup-node: setup-dev ## ... and the npm packages of the tests
	@scripts/setup-node

quickstart: ## See machine-to-machine auth work, then try it yourself (Ctrl-C ends it)
	@scripts/setup server
	@$(BIN)/watchword quickstart $(ARGS)

check: fmt-check lint types imports test-fast ## Format, lint, types, import contracts and fast tests: before every commit

fmt: setup-dev ## Format the code and mend what can be mended by itself
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format

fmt-check: setup-dev ## Is the code formatted?
	@$(BIN)/ruff format --check

lint: setup-dev ## Does it keep the rules?
	@$(BIN)/ruff check

types: setup-dev ## Do the types fit?
	@$(BIN)/mypy $(TYPED)

imports: setup-dev ## Do imports go one way only?
	@$(BIN)/lint-imports --no-logo

test-fast: setup-dev ## The fast tests alone
	@$(PYTEST) -n 2 -m "not slow" --dist worksteal $(FAST_TESTS) $(ARGS)

# Four for two cores: many tests wait for another process. It takes an eighth less than three do.
test: setup-node ## All tests
	@scripts/setup bench
	@$(PYTEST) -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

test-postgresql: setup-dev ## What may differ between versions of PostgreSQL, on the system's own, where there is one
	@$(if $(POSTGRES),WATCHWORD_TEST_POSTGRES=$(POSTGRES) $(PYTEST) -n 2 -q --dist worksteal -k postgresql $(OF_VERSION))

soak: setup-node ## The long forms of the long tests, one after the other: two hours or so
	@WATCHWORD_SOAK=1 $(BIN)/pytest -o timeout=7200 -v $(shell grep -rl support.long tests --include='test_*.py') $(ARGS)

bench: ## Measure the token endpoint: one table and a picture (wants two cores, and wrk or oha)
	@scripts/setup bench
	@$(BIN)/python benchmarks/token_endpoint.py $(ARGS)

reference: setup-dev ## Write the reference pages anew, from routes, settings, commands and docstrings
	@scripts/write-reference
	@$(BIN)/python scripts/cli_reference.py

pictures: setup-node ## Take pictures of the console's pages: of all in .build/pictures, the docs' own anew
	@WATCHWORD_PICTURES=.build/pictures $(BIN)/pytest -q --randomly-dont-reorganize tests/browser/test_pages.py
	@scripts/setup bench
	@$(BIN)/python scripts/shrink-pictures

lock: setup-dev ## Write the lock files anew after a change of requirements
	@scripts/lock

upgrade: setup-dev ## ... and take the newest versions that fit
	@scripts/lock --upgrade

clean: ## Remove all that these commands have made
	@rm -rf .venv .build build dist htmlcov .coverage* tests/js/node_modules
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
