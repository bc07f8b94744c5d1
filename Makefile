# `make` alone says what there is. Everything is installed into .venv from the lock files.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/codevoice

.PHONY: help install run test demo bench bench-turns chaos check format lock lock-check pages-check web livekit screenshots clean

help:  ## What can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 14

# One stamp for each set of packages; `uv pip sync` takes away what the lock does not name.
.venv/.run: requirements.lock pyproject.toml scripts/install.sh
	@if [ -f .venv/.dev ]; then scripts/install.sh requirements-dev.lock $(PYTHON); \
	else scripts/install.sh requirements.lock $(PYTHON); fi
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml scripts/install.sh
	@scripts/install.sh requirements-dev.lock $(PYTHON)
	@touch $@ .venv/.run

install: .venv/.dev  ## Install everything, the tools for tests too

# With TRANSPORT=livekit a LiveKit server runs too, and browsers need its client.
LIVEKIT := $(filter livekit,$(TRANSPORT))

run: .venv/.run $(if $(LIVEKIT),livekit web)  ## Start the whole product and print a link to an interview
	@$(RUN) up $(if $(LIVEKIT),--transport livekit)

demo: .venv/.run $(if $(LIVEKIT),livekit web)  ## Hold a whole interview with nobody present; KILL=1 kills the bot in mid-answer
	@$(RUN) demo $(if $(KILL),--kill) $(if $(LIVEKIT),--transport livekit)

web/node_modules/.installed: web/package-lock.json
	@cd web && npm ci --silent
	@touch $@

web: web/node_modules/.installed  ## Install LiveKit's browser client, which rooms need; needs npm

livekit:  ## Build LiveKit's server, once; needs Go
	@scripts/livekit.sh

test: .venv/.dev  ## Run every test, with real parts and in a browser
	@scripts/browser.sh
	@scripts/espeak.sh
	@scripts/livekit.sh || [ "$$CI" != true ]
	@[ -n "$$(command -v npm)" ] && $(MAKE) --no-print-directory web || [ "$$CI" != true ]
	@$(MAKE) --no-print-directory check
	@scripts/test.sh $(ARGS)

bench: .venv/.dev  ## Measure speeds, memory, load, leaks; writes bench-results.json
	@$(RUN) bench $(ARGS)

chaos: .venv/.dev  ## Kill the product at every step; writes chaos-report/
	@$(RUN) chaos $(ARGS)

bench-turns: .venv/.dev  ## Draw cut-offs against waiting; writes turns-report/
	@$(RUN) bench-turns $(ARGS)

check: .venv/.dev  ## Lint, types, dependency rule
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

pages-check: web/node_modules/.installed  ## Type-check the browser's modules; needs npm
	@cd web && npm run --silent check

lock-check: .venv/.dev  ## The locks resolve on every platform and hold no torch
	@scripts/check_locks.sh

format: .venv/.dev  ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: .venv/.dev  ## Make the lock files anew from pyproject.toml
	@scripts/lock.sh

screenshots: .venv/.dev  ## Make the pictures of the README from the running product
	@scripts/browser.sh
	@$(BIN)/python -m bench.screenshots docs/pictures

clean:  ## Remove what was installed and built here (interviews in the data folder stay)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache *.egg-info
