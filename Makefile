# Everything a newcomer types. Each target sets itself up on a fresh machine; nothing outside .venv and node_modules is left behind,
# except system packages that `make test` asks the package manager for.

PYTHON ?= python3
RUNS ?= 1
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast test-scaled bench lint docs lock clean

demo: $(VENV)/.runtime  ## the main job on loopback, from nothing
	$(BIN)/gateway demo $(ARGS)

test: $(VENV)/.dev  ## install what the tests need and run them all
	.ci/packages
	.ci/test

test-fast: $(VENV)/.dev  ## the tests under a few seconds each
	$(BIN)/pytest -m "not slow" -n 2

test-scaled: $(VENV)/.dev  ## many gateways, one store: every fault so often as promised, and the checker's table (some 20 minutes)
	.ci/packages
	SCALED_RUNS=$(RUNS) $(BIN)/pytest tests/scaled $(ARGS)

bench: $(VENV)/.dev  ## throughput, CPU, latency and memory beside the peers; writes docs/performance.md
	.ci/packages
	$(BIN)/python -m bench

lint: $(VENV)/.dev  ## style, types, import contract, spelling
	.ci/check

docs: $(VENV)/.dev  ## regenerate docs/policies.md, docs/replies.md and docs/configuration.md
	.ci/docs

lock:  ## pin every dependency with its hashes (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --group build -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra redis --extra s3 --group build -o requirements-scaled.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml --extra fast --extra redis --extra s3 --group dev -o requirements-dev.lock

clean:
	rm -rf $(VENV) var bench/out tests/journeys/node_modules

$(VENV)/.runtime: requirements.lock pyproject.toml
	.ci/venv $(PYTHON) $(VENV) requirements.lock
	touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	.ci/venv $(PYTHON) $(VENV) requirements-dev.lock
	touch $@ $(VENV)/.runtime
