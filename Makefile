# Two commands are all one needs: `make run` and `make test`. `make help` lists the rest.
# Works with GNU make 3.81 and later; settings such as PORT come from the environment or from
# the command line (`make run PORT=9000`).

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
CONSOLE := gateway/console
CONSOLE_PAGE := $(CONSOLE)/dist/index.html
CONSOLE_SOURCES = $(shell find $(CONSOLE) -type f -not -path '*/node_modules/*' \
  -not -path '*/dist/*' 2>/dev/null)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Test processes at once; 0 runs everything in one, for a debugger (`make test JOBS=0`).
JOBS ?= 2
ARGS ?=
COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --fork-strategy fewest --generate-hashes --custom-compile-command 'make lock' \
  $(if $(UPGRADE),--upgrade)

# Prints the Python to use: the one named by PYTHON, else the first of a list that begins with
# the version the tests run on. A name may exist and still not run (pyenv), so each is tried.
define FIND_PYTHON
for name in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
  "$$name" -c 'import ensurepip, venv' 2>/dev/null && { echo "$$name"; exit 0; }; \
  echo "$$name cannot make virtual environments (Debian: apt-get install python3-venv)." >&2; \
  exit 1; \
done; \
echo "Yingda needs Python 3.11 or later; this is $$(python3 --version 2>&1 || echo 'no Python')." \
  "Install one, or name it: make run PYTHON=/path/to/python3.11" >&2; \
exit 1
endef

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

.PHONY: run
run: ## Install what is missing and start Yingda with sample data
	@$(MAKE) --silent --no-print-directory -j 2 $(STAMPS)/project console-or-not
	@exec $(BIN)/yingda serve

.PHONY: test
test: $(STAMPS)/dev console-or-not ## Run the tests; narrow with ARGS="-k widget"
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

.PHONY: check
check: $(STAMPS)/dev ## Check format, lint, types, imports, the catalogue and the console
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy gateway channels bot intents tests scripts
	$(BIN)/lint-imports
	$(BIN)/yingda intents check
	@if command -v npm >/dev/null; \
	  then $(MAKE) --no-print-directory $(CONSOLE)/node_modules/.stamp && \
	    npm --prefix $(CONSOLE) run check; \
	  else echo "npm is not installed: the console is not checked."; fi

.PHONY: format
format: $(STAMPS)/dev ## Format the Python sources and mend what the linter can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(STAMPS)/dev ## Measure speed, start-up and memory; ARGS="--json" for programs
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: console
console: $(CONSOLE_PAGE) ## Build the console (needs npm)

.PHONY: notice
notice: $(STAMPS)/dev ## Write NOTICE from the pinned dependencies and their licences
	$(BIN)/python scripts/notice.py

.PHONY: lock
lock: $(STAMPS)/dev ## Compile constraints*.txt from pyproject.toml; UPGRADE=1 takes new versions
	$(COMPILE) --output-file constraints.txt
	$(COMPILE) --extra dev --constraints constraints.txt --output-file constraints-dev.txt
	@$(MAKE) --no-print-directory notice

.PHONY: clean
clean: ## Remove what was installed and built; ./data stays
	rm -rf $(VENV) build dist *.egg-info $(CONSOLE)/dist $(CONSOLE)/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What the commands above rest on. A stamp is as new as the last installation from its sources,
# so a second run finds everything in place and needs no network.

$(STAMPS)/venv:
	@if ! $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python=$$($(FIND_PYTHON)) && \
	    echo "Creating $(VENV) with $$($$python --version) ..." && \
	    $$python -m venv --clear $(VENV); fi
	@mkdir -p $(STAMPS) && touch $@

# Nothing is compiled to bytecode ahead of its first import, which halves the time of the
# installation: most of it is never imported.
$(STAMPS)/runtime: constraints.txt | $(STAMPS)/venv
	@echo "Installing what Yingda runs on (a minute or less) ..."
	@$(PIP) --require-hashes --no-compile -r constraints.txt
	@touch $@

$(STAMPS)/project: pyproject.toml $(STAMPS)/runtime
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: constraints-dev.txt $(STAMPS)/project
	@echo "Installing what the tests and checks need ..."
	@$(PIP) --require-hashes --no-compile -r constraints-dev.txt
	@touch $@

$(CONSOLE)/node_modules/.stamp: $(CONSOLE)/package.json $(CONSOLE)/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2019 ? 1 : 0)' || \
	  { echo "The console needs Node.js 20.19 or later; this is $$(node --version)." >&2; exit 1; }
	@echo "Installing what the console is built with ..."
	@npm --prefix $(CONSOLE) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CONSOLE_PAGE): $(CONSOLE)/node_modules/.stamp $(CONSOLE_SOURCES)
	@echo "Building the console ..."
	@npm --prefix $(CONSOLE) run --silent build -- --logLevel=warn
	@touch $@

# The server runs without the console, so neither a missing npm nor a failed build stops it.
.PHONY: console-or-not
console-or-not:
	@if command -v npm >/dev/null; \
	  then $(MAKE) --silent --no-print-directory console || echo \
	    "The console could not be built (see above); everything else works."; \
	  elif test -f $(CONSOLE_PAGE); then :; \
	  else echo "npm is not installed: the agents' console is not built; everything else" \
	    "works. Install Node.js 20.19 or later with npm and run make again."; fi
