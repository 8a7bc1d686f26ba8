# The verbs of the project. Everything is set up below .venv/ and .local/; nothing is installed elsewhere. As root,
# `make production` keeps PostgreSQL's files in /var/tmp, since PostgreSQL refuses to run as root.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
READY := .venv/ready
MODE ?= asset_centric
TESTS ?= tests

.PHONY: help setup demo up production down test recovery soak clients check bench docs lock clean

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## make .venv with the locked packages and this project

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed. Install one, or name it: make setup PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments (ensurepip is missing). On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the locked packages into .venv"
	@$(BIN)/python tools/install.py requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: setup ## run captures through Airflow into the local CDF and read them back
	@$(BIN)/capture360 demo --mode $(MODE)

up: setup ## start Airflow and the local CDF on this machine and leave them running
	@$(BIN)/capture360 stack up --mode $(MODE)

production: setup ## run what docker-compose.yaml says as processes of this machine, until Ctrl-C
	@$(BIN)/python -m capture360_local.production .local/production

down: setup ## stop what `make up` started
	@$(BIN)/capture360 stack down --mode $(MODE)

test: check ## check, then all tests, the real scheduler included (TESTS=path for some)
	@$(BIN)/python tools/run_tests.py $(TESTS)

recovery: setup ## kill every part of the composition in turn, and runs at every write (an hour; needs PostgreSQL and Redis)
	@$(BIN)/python -m pytest -v -m recovery tests/production
	@CAPTURE360_EVERY_WRITE=1 $(BIN)/python -m pytest -q tests/faults

soak: setup ## bring captures through it for MINUTES=60 while parts are killed at random (PostgreSQL and Redis)
	@SOAK_MINUTES=$(or $(MINUTES),60) $(BIN)/python -m pytest -v -m soak tests/production

clients: setup ## install clients of CDF by others below .local/clients, for tests/clients
	@$(BIN)/python tools/clients.py .local/clients

check: setup ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

bench: setup ## side-by-side ratios against peers (BENCH=all for full sizes, BASE=commit beside another)
	@$(BIN)/python benchmarks/run.py $(if $(filter all,$(BENCH)),--full) $(if $(BASE),--base $(BASE))

docs: setup ## write the reference pages that are generated from the code
	@$(BIN)/capture360 docs

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	--no-annotate --no-header

lock: setup ## pin all packages anew
	@$(COMPILE) --upgrade --all-extras -o requirements.lock pyproject.toml
	@$(COMPILE) --extra s3 --extra gcs --extra azure --extra ocr --extra production --constraint requirements.lock \
		-o requirements.production.lock pyproject.toml

clean: ## stop what runs and remove .local/ and caches (the environment stays)
	@test ! -x $(BIN)/capture360 || $(BIN)/capture360 stack down --all
	@test ! -x $(BIN)/python || $(BIN)/python -m capture360_local.production .local/production --remove
	@rm -rf .local .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
