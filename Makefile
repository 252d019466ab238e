# Everything is installed into .venv, pinned by hash; nothing else on the machine is touched.
PYTHON ?= python3
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
AZURITE := tests/servers/azurite
OSLS := iac/aws
NODE_MODULES := $(AZURITE)/node_modules/.package-lock.json
OSLS_MODULES := $(OSLS)/node_modules/.package-lock.json
PAGES := tests/web/browser
PAGES_MODULES := $(PAGES)/node_modules/.package-lock.json
EDGE_MODULES := edge/web/node_modules/.package-lock.json edge/node/node_modules/.package-lock.json

.DELETE_ON_ERROR:
.PHONY: help install demo browser test fast cloud cloud-demo package edge edge-arm64 lint format lock clean

help: ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /make \1	/'

demo: $(VENV)/.laptop ## the whole loop on real flights, in a fresh store
	$(BIN)/tidemill demo

install: $(VENV)/.laptop ## the tidemill command, as .venv/bin/tidemill

test: $(VENV)/.dev $(NODE_MODULES) $(OSLS_MODULES) $(PAGES_MODULES) $(EDGE_MODULES) browser lint ## linters, types and every test
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

fast: $(VENV)/.dev $(NODE_MODULES) $(EDGE_MODULES) ## the tests that take no more than a few seconds each
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal -m "not slow"

cloud: $(VENV)/.dev $(OSLS_MODULES) ## AWS on this machine, with everything deployed and seeded; Ctrl-C stops it
	$(BIN)/python -m localstack

cloud-demo: $(VENV)/.dev $(OSLS_MODULES) ## the demo's loop on AWS on this machine
	$(BIN)/python -m localstack --port 0 --demo

package: $(VENV)/.laptop ## the deployable archive of each function, in build/packages
	$(BIN)/tidemill package

edge: $(VENV)/.laptop ## the wheel that devices install, in build/packages
	$(BIN)/tidemill package edge

edge-arm64: $(VENV)/.dev ## the tests of devices on an emulated ARM64; on Debian, as root
	$(BIN)/python -m tests.edge.arm64

browser: ## the Chromium that the report pages are tested in; root gets it from apt where there is none
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "installing chromium from apt (once)"; apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	else echo "The report pages are tested in Chromium: install it, such as by 'sudo apt-get install chromium'." >&2; \
	exit 1; fi

lint: $(VENV)/.dev ## style, types, who may import whom, and whether what is rendered is as declared
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tidemill iac --check

format: $(VENV)/.dev ## mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(VENV)/.lock ## pin what pyproject.toml asks for; UPGRADE=1 takes the newest
	$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

clean: ## remove the environment and every cache; stores are left alone
	rm -rf $(VENV) $(AZURITE)/node_modules $(OSLS)/node_modules $(PAGES)/node_modules edge/web/node_modules edge/node/node_modules .serverless build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
	"Tidemill needs Python 3.11 or newer and $(PYTHON) is %d.%d; name another with PYTHON=python3.13." % v[:2])'
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than the files that say what to install: nothing is installed twice.
$(VENV)/.%: requirements/%.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing requirements/$*.txt into $(VENV) (once, a minute or two)"
	@$(PIP) --require-hashes --requirement $<
	@$(if $(filter lock,$*),:,$(PIP) --no-deps --no-build-isolation --editable .)
	@touch $@

%/node_modules/.package-lock.json: %/package-lock.json | $(VENV)/.dev
	@echo "installing what $*/package.json asks for from npm (once)"
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
