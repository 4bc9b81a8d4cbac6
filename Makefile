# One word per task; each target sets itself up. PORT, STATE, FRESH and PYTHON may be given: make start PORT=8080
PYTHON ?= python3
SEED ?= 1
RUN := .venv/bin/python
READY := .venv/.ready
# The interpreter that will run everything: that of the virtual environment once there is one.
INTERPRETER = $(if $(wildcard $(RUN)),$(RUN),$(PYTHON))
TYPED := shared_code devhost deployment local tests benchmarks
PIPELINE_SCHEMA := .venv/bin/check-jsonschema --quiet --regex-variant nonunicode \
  --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines

# Where this is set, each of the hundreds of hosts that tests start would compile every module.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo start services ask put test soak check fix audit package lock bench

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## run an audit query on sample data and check its answer
	@$(RUN) -m local demo

start: $(READY) ## local stack and host in the foreground (PORT=7071, STATE=.local, FRESH=1)
	@echo "Starting the local stack ..."
	@$(RUN) -m local start

services: $(READY) ## the emulators alone, for func start beside them
	@$(RUN) -m local services

ask: $(READY) ## a question to the index of make start: make ask Q="..." (ENV=demo, VERSION=v1)
	@$(RUN) -m local ask

put: $(READY) ## your own files in the storage of make start: make put FILES=~/documents
	@$(RUN) -m local put

# Two processes, each with emulators of its own: for a good part of its time a test waits for somebody else.
test: $(READY) ## every test
	@$(RUN) -m pytest --numprocesses 2 --dist worksteal

soak: $(READY) ## the long proofs, half an hour of them (SEED=1)
	@SEED=$(SEED) $(RUN) -m pytest tests/soak tests/e2e -m soak --show-capture=no -o faulthandler_timeout=0
	@KILLS=100 $(RUN) -m pytest tests/conformance/test_kill.py

check: $(READY) ## lint, format check, types
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/mypy --no-error-summary $(TYPED)
	@for script in */main.py; do .venv/bin/mypy --no-error-summary "$$script" || exit 1; done
	@.venv/bin/jactionlint --shellcheck=
	@$(PIPELINE_SCHEMA) azure-pipelines.yml
	@.venv/bin/hadolint Dockerfile

fix: $(READY) ## what the linter and the formatter can fix
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

audit: $(READY) ## known vulnerabilities of what is deployed (asks pypi.org, so it needs the internet)
	@$(RUN) -m pip install --quiet --disable-pip-version-check "pip-audit>=2.9,<3"
	@$(RUN) -m pip_audit --progress-spinner off --no-deps --disable-pip --requirement requirements.lock

package: $(READY) ## the zip that is deployed: dist/app.zip (PACKAGE_PYTHON=3.11)
	@$(RUN) -m deployment package $(if $(PACKAGE_PYTHON),--python $(PACKAGE_PYTHON))

lock: $(READY) ## requirements.lock again, with the newest versions that requirements.txt allows
	@$(RUN) -m deployment lock

bench: $(READY) ## the benchmarks; tables in benchmarks/results
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps 'llama-index-readers-file>=0.7,<0.8'
	@$(RUN) -m benchmarks.run

$(READY): requirements.txt requirements-dev.txt requirements.lock
	@$(INTERPRETER) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed, and $(INTERPRETER) is not: set PYTHON=python3.11 (and remove .venv if there is one)." >&2; \
	  exit 1; }
	@test -x $(RUN) || $(PYTHON) -m venv .venv
	@echo "Installing what requirements-dev.txt names into .venv ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
