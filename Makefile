# make demo       sample production, the gateway and three accounts on this machine; Ctrl-C stops all of it
# make test       every test, against real servers and clients, but for the next line's
# make test-kube  the tests against a real Docker engine and Kubernetes API server; as root, and with Go once
# make lint       ruff and mypy
# make story      play the demo's story and put its output into README.md
# make bench      measure against direct connections and pgbouncer
# make clean      remove what the targets above have made
#
# Needs Python 3.11 or newer and make. PYTHON=… chooses another interpreter, DEMO="…" hands options to the demo.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
RUN := $(VENV)/bin/python

TYPES := $(shell find gateway -name '*.pxd' -o -name '*.pyx')
COMPILED := hatch_build.py gateway/compiled.py $(TYPES) $(addsuffix .py,$(basename $(TYPES)))

.DEFAULT_GOAL := help
.PHONY: help demo test test-kube lint story bench clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

demo: $(VENV)/installed
	@$(VENV)/bin/glassgate demo $(DEMO)

test: $(VENV)/installed-dev
	PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -q -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder \
		--ignore tests/containers $(TESTS)

test-kube: $(VENV)/installed-dev
	$(RUN) -m pytest -q -n 0 $(or $(TESTS),tests/containers)

lint: $(VENV)/installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

story: $(VENV)/installed
	$(RUN) -m gateway.cli.demo.readme README.md

bench: $(VENV)/installed-dev
	$(RUN) benchmarks/run.py $(BENCH)

clean:
	rm -rf $(VENV) gateway/_compiled .demo .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN):
	@[ -n "$(PYTHON)" ] || { \
		echo "Glassgate needs Python 3.11 or newer, and there is none on this machine's PATH."; \
		echo "Install one, or name it: make demo PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) can't make virtual environments: its venv or ensurepip module is missing."; \
		echo "On Debian or Ubuntu: apt install python3-venv    Then run make again."; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: requirements.lock pyproject.toml $(COMPILED) | $(RUN)
	@echo "installing the locked dependencies (this downloads some 60 MB, once) and compiling the hot loop"
	@$(RUN) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(RUN) -m pip install -q --disable-pip-version-check --no-deps --editable .
	@$(RUN) -c 'import gateway; print("hot loop:", gateway.LOOP)'
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock pyproject.toml $(COMPILED) | $(RUN)
	@echo "installing the locked dependencies for development (once) and compiling the hot loop"
	@$(RUN) -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(RUN) -m pip install -q --disable-pip-version-check --no-deps --editable .
	@$(RUN) -c 'import gateway; print("hot loop:", gateway.LOOP)'
	@touch $@ $(VENV)/installed
