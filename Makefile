# The few verbs that everyone needs. `make` alone prints them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
SAITEN := $(BIN)/saiten
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

# The environment is as good as the files that describe it: its stamp carries their hash.
PINS := requirements.lock requirements-data.txt pyproject.toml
READY := $(VENV)/.ready-$(shell cat $(PINS) | sha256sum | cut -c1-16)

# Debian packages that system tests call; apt-get installs what is missing when one is root.
SYSTEM_PACKAGES := chromium libjs-mathjax debootstrap buildah podman runc containernetworking-plugins postgresql iproute2

# The demo marks a larger class of the first assignment, with a loop that never ends, and a small one of each other.
DEMO_ASSIGNMENTS ?= $(sort $(notdir $(patsubst %/assignment.toml,%,$(wildcard source/*/assignment.toml))))
DEMO_FIRST ?= 28
DEMO_STUDENTS ?= 3
DEMO_SEED ?= 2
DEMO_SECONDS ?= 10
DEMO ?= demo
CHECK_ARGS ?=

# Tests run in so many processes; tests/together.py says which stay in one.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --durations=15 --durations-min=5

.PHONY: help
help: ## print this list
	@echo "make VERB, where VERB is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "The environment ($(VENV)) is made from requirements.lock when a verb first needs it."

# Exit code 1 of `saiten grade` says that some could not be marked: a sample class holds unreadable files on purpose.
# The small classes are marked two at a time, each by one worker: preparing an exercise takes longer than marking three.
.PHONY: demo
demo: $(READY) ## environment, build, a sample class of every assignment marked, tables, where to look next
	@printf '%s\n' $(DEMO_ASSIGNMENTS) | xargs -P 2 -n 1 $(SAITEN) build
	@students=$(DEMO_FIRST); without=; seed=$(DEMO_SEED); \
	for name in $(DEMO_ASSIGNMENTS); do \
	  $(SAITEN) sample $$name -n $$students --into $(DEMO) --cell-seconds $(DEMO_SECONDS) --seed $$seed $$without; \
	  students=$(DEMO_STUDENTS); without="--without broken:endless-loop"; seed=$$((seed + 1)); \
	done
	@class() { \
	  name=$$1; results=$(DEMO)/results-$$name.jsonl; \
	  printf '\n%s\n' "== $$name"; \
	  $(SAITEN) grade $$name --course $(DEMO) "$${@:2}" || test $$? -eq 1; \
	  $(SAITEN) grade $$name --course $(DEMO) --json > $$results 2>$(DEMO)/log-$$name.txt || test $$? -eq 1; \
	  $(SAITEN) sample $$name --course $(DEMO) --compare $$results; \
	  $(SAITEN) feedback $$name --course $(DEMO); \
	  $(SAITEN) report $$name --course $(DEMO); \
	  printf '%s\n' "Look at $(DEMO)/autograded/student-001/$$name/ (a marked notebook), $$results (every result," \
	    "for machines), release/$$name/ (what students get), source/$$name/ (what it was made from)."; \
	}; \
	small() { \
	  set -euo pipefail; echo "Marking $$1 ..."; trap "cat $(DEMO)/shown-$$1.txt" EXIT; \
	  class $$1 --workers 1 > $(DEMO)/shown-$$1.txt 2>&1; \
	}; \
	export -f class small; \
	class $(firstword $(DEMO_ASSIGNMENTS)); \
	printf '%s\n' $(wordlist 2,99,$(DEMO_ASSIGNMENTS)) | xargs -r -P 2 -I NAME bash -c 'small NAME'
	@printf '%s\n' "" "Where to look next:" \
	  "  $(DEMO)/expected.json               who did what, and what each had to get" \
	  "  cd $(DEMO) && $(abspath $(BIN))/jupyter lab" \
	  "                                   then open /formgrader at the address it prints: nbgrader's pages, filled" \
	  "  $(DEMO)/feedback/student-001/$(firstword $(DEMO_ASSIGNMENTS))/$(firstword $(DEMO_ASSIGNMENTS)).html   what a student reads" \
	  "  $(DEMO)/report/$(firstword $(DEMO_ASSIGNMENTS))/index.html   the class, for staff: scores, questions, same failures" \
	  "  docs/README.md                   guides; your own nbgrader course: saiten grade ASSIGNMENT --course DIR" \
	  "Run make demo again: nothing is marked twice. Remove $(DEMO)/ to begin anew."

.PHONY: test
test: $(READY) ## all tests that need nothing but the environment
	@$(PYTEST) -m "not system"

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
	@status=0; $(PYTEST) -m system || status=$$?; \
	if (( status == 5 )); then echo "No test carries the marker 'system': nothing was tested here." >&2; fi; \
	exit $$status

FUZZ_SECONDS ?= 300

.PHONY: fuzz
fuzz: $(READY) ## search for bytes that the judge's decoder cannot take (installs atheris); FUZZ_SECONDS=300
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(PIP) install --no-build-isolation -e '.[fuzz]'
	@$(BIN)/python tests/fuzz/fuzz_decoder.py $(FUZZ_SECONDS)

.PHONY: lint
lint: $(READY) ## ruff (rules and format), mypy --strict, import-linter
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

.PHONY: bench
bench: $(READY) ## one class marked by nbgrader, by Otter and by Saiten on one core, compared
	@$(BIN)/python -m bench.run $(BENCH_ARGS)

.PHONY: bench-pages
bench-pages: $(READY) ## feedback and report of 1,000 submissions, in processor seconds
	@$(BIN)/python -m bench.pages $(BENCH_ARGS)

.PHONY: bench-hub
bench-hub: $(READY) ## from Submit to feedback: how long one student waits, and twenty at once
	@$(BIN)/python -m bench.hub $(BENCH_ARGS)

# Sizes and ways can be chosen: make bench-scale BENCH_ARGS="--sizes 100,1000 --ways 2", or --help.
.PHONY: bench-scale
bench-scale: $(READY) ## classes of 100, 1,000 and 10,000, by workers and on a Dask cluster; table and plot
	@$(BIN)/python -m bench.scale $(BENCH_ARGS)

# Exit code 1: an attack succeeded. Options: make attacks ATTACKS_ARGS="--no-nbgrader --floor landlock", or --help.
.PHONY: attacks
attacks: $(READY) ## every attack on plain nbgrader and on both floors of Saiten, as a table; minutes
	@$(BIN)/python -W ignore tests/attacks/attack_table.py $(ATTACKS_ARGS)

.PHONY: check
check: $(READY) ## prove every exercise: reference, release, planted answers, mutants; minutes
	@$(SAITEN) check $(CHECK_ARGS)

# No environment: the image makes its own. Options: make image IMAGE_ARGS="--base debian:12", or --help.
.PHONY: image
image: ## the course's JupyterHub image, by buildah, podman or docker; its packages and sizes
	@$(PYTHON) image/build.py $(IMAGE_ARGS)

.PHONY: lock
lock: ## pin again all that pyproject.toml asks for (maintainers)
	@scratch="$$(mktemp -d)"; trap 'rm -rf "$$scratch"' EXIT; \
	$(PYTHON) -m venv "$$scratch/venv"; \
	"$$scratch/venv/bin/pip" install --quiet --disable-pip-version-check pip-tools; \
	"$$scratch/venv/bin/pip-compile" --quiet --extra dev --extra hub --extra dask --extra postgresql --strip-extras --allow-unsafe --no-header \
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
