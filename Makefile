# The few verbs that everyone needs. `make` alone prints them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# The environment is as good as the files that describe it: its stamp carries their hash.
PINS := requirements.lock requirements-data.txt pyproject.toml
READY := $(VENV)/.ready-$(shell cat $(PINS) | sha256sum | cut -c1-16)

# Debian packages that system tests call; apt-get installs what is missing when one is root.
SYSTEM_PACKAGES :=

DEMO_ASSIGNMENT ?= 01-regularization
DEMO_STUDENTS ?= 40
DEMO ?= demo
CHECK ?= $(DEMO)/check

.PHONY: help
help: ## print this list
	@echo "make VERB, where VERB is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "The environment ($(VENV)) is made from requirements.lock when a verb first needs it."

.PHONY: demo
demo: $(READY) ## environment, build, a sample class of 40 marked, a table, where to look next
	@$(BIN)/python -m saiten.sample.demo --into $(DEMO) --students $(DEMO_STUDENTS) $(DEMO_ASSIGNMENT)

.PHONY: test
test: $(READY) ## all tests that need nothing but the environment
	@$(BIN)/python -m pytest -m "not system"

.PHONY: test-system
test-system: $(READY) ## the tests that need Debian packages or minutes of time
	@missing=(); \
	for package in $(SYSTEM_PACKAGES); do \
	  dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package"); \
	done; \
	if (( $${#missing[@]} )); then \
	  if (( EUID )); then \
	    echo "The system tests need Debian packages. Run: sudo apt-get install $${missing[*]}" >&2; exit 2; \
	  fi; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$${missing[@]}"; \
	fi
	@status=0; $(BIN)/python -m pytest -m system || status=$$?; \
	if (( status == 5 )); then echo "No test carries the marker 'system': nothing was tested here." >&2; fi; \
	exit $$status

.PHONY: lint
lint: $(READY) ## ruff (rules and format), mypy --strict, import-linter
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

.PHONY: bench
bench: $(READY) ## one class marked by nbgrader, by Otter and by Saiten on one core, compared
	@$(BIN)/python bench/run.py $(BENCH_ARGS)

.PHONY: check
check: $(READY) ## build every assignment; its reference, release and planted answers get the scores they declare
	@$(BIN)/python -m saiten.sample.check --into $(CHECK)

.PHONY: lock
lock: ## pin again all that pyproject.toml asks for (maintainers)
	@scratch="$$(mktemp -d)"; trap 'rm -rf "$$scratch"' EXIT; \
	$(PYTHON) -m venv "$$scratch/venv"; \
	"$$scratch/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools; \
	"$$scratch/venv/bin/pip-compile" --quiet --extra dev --strip-extras --allow-unsafe --no-header \
	  --annotation-style=line --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --output-file "$$scratch/lock" pyproject.toml; \
	{ sed '/^[^#]/,$$d' requirements.lock; sed -e '/^# The following packages/d' -e '/^$$/d' "$$scratch/lock"; } > "$$scratch/new"; \
	mv "$$scratch/new" requirements.lock

# No prerequisites: the hash in the stamp's name says whether the environment fits, whatever git did to time stamps.
# pip is told --no-build-isolation: setuptools is in the lock, so nothing unpinned is fetched to build saiten itself.
$(READY):
	@if ! $(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	  echo "Saiten's environment needs CPython 3.11 with its venv module; '$(PYTHON)' is not that." >&2; \
	  echo "Install it (Debian: apt-get install python3.11-venv; conda: see environment.yml; or pyenv, uv)," >&2; \
	  echo "or name one: make PYTHON=/path/to/python3.11 $(or $(MAKECMDGOALS),help)" >&2; \
	  exit 2; \
	fi
	@echo "Installing the environment into $(VENV) (once; PyTorch is large, this takes minutes) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv --clear $(VENV)
	@rm -f $(VENV)/.ready-*
	@$(PIP) install -r requirements.lock
	@$(PIP) install --no-deps -r requirements-data.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@
