# Breakwater: every command prepares what it needs first. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
CONFIG ?= config/demo-district.yaml
CODE := breakwater.py categories config proxy usage_log
LOCKS := requirements.txt requirements-dev.txt
# Arguments for pytest: make test ARGS="tests/e2e -x"
ARGS ?=
# Tests that run the product wait half of their time, so three files at a time keep two cores busy; a file stays with one
# process, and tests/conftest.py puts the longest first. More cores may take more: make test JOBS=6.
JOBS ?= 3
AT_ONCE := --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

# What Python compiles is kept: hundreds of short processes would compile it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-dev setup-tests run test check bench fuzz soak lock clean

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(VENV)/.ready ## make .venv and install what Breakwater runs on

setup-dev: $(VENV)/.ready-dev

setup-tests: setup-dev ## the same, with what the tests need (Debian packages as root, otherwise says what is missing)
	@deploy/setup.sh debian

$(VENV)/.ready: requirements.txt pyproject.toml deploy/setup.sh
	@deploy/setup.sh venv
	@deploy/setup.sh install requirements.txt
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@deploy/setup.sh install requirements-dev.txt
	@touch $@

run: setup ## start the filter with the demo district (ctrl-C ends it, after what is under way)
	@exec $(BIN)/breakwater run --config $(CONFIG)

test: setup-tests ## every test, in a real browser too
	@$(BIN)/pytest $(AT_ONCE) $(ARGS)

check: setup-dev ## lint, format, types, and that the lock names no package index
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@deploy/check-lock.sh $(LOCKS)

bench: setup-tests ## benchmarks (figures, no pass or fail)
	@for file in bench/bench_*.py; do $(BIN)/python -m "bench.$$(basename "$$file" .py)"; done

fuzz: setup-tests ## ten minutes of raw bytes into every opening, a minute of them into each reader of lists and the detectors: no crash, no hang, no leak (ARGS="--minutes 1")
	@$(BIN)/python -m tests.endurance.fuzz $(ARGS)
	@$(BIN)/python -m tests.endurance.list_fuzz $(ARGS)

soak: setup-tests ## ten minutes of everything at once, with kills: nothing lost, nothing kept (ARGS="--minutes 1")
	@$(BIN)/python -m tests.endurance.soak $(ARGS)

lock: ## write the lock files again from requirements*.in (needs uv)
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
		requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
		-c requirements.txt requirements-dev.in -o requirements-dev.txt
	deploy/check-lock.sh $(LOCKS)

clean: ## remove .venv and caches; a state_dir is never touched
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage *.egg-info
