# Everything that is done with this repository. Needs GNU make and Python 3.11 or later; packages go into .venv.
#
#     make run PYTHON=python3.12     names the interpreter; without it the first that is new enough is taken
#     make interop ONLY="-k snac"    says what to run, in words for pytest

PYTHON ?=
export PYTHON
# Containers often set it. Then each of the hundreds of programs that the tests start would be compiled anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SCRIPTS := tools/generate tools/vectors tools/profile tools/canary tools/interop tools/js
QUICK := tests/unit tests/vectors tests/test_architecture.py tests/test_generated.py tests/test_docs.py
EDGES := tests/unit/adapters
BENCHES := fanout processes inbound latency writes memory peer table policy replay signing verify verify_ld attest scans waves index recall \
	media moving

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory

SECONDS := 600
FILES := 20000
KILLS := 200
SEED := $(shell date +%s)

.PHONY: help install run test check format lint types arch vectors generate interop live js cover bench fuzz chaos lock clean \
	develop static core edges format-check

help: ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- use it
install: .venv/stamp-run ## make .venv with the pinned packages and the assay command

run: install ## start the relay of config.yaml; the first time also make keys and database
	@exec $(BIN)/assay serve --config config.yaml

# ---------------------------------------------------------------- change it
test: develop ## run all tests that need nothing but this repository, a Chromium and PostgreSQL
	@tools/bootstrap browser
	@tools/bootstrap database
	@status=0; $(MAKE) -k -j2 --output-sync=target static || status=1; $(BIN)/pytest -n auto --dist worksteal -rfEs || status=1; exit $$status

check: develop ## look at everything that is quick to look at: run it before each commit
	@$(MAKE) -k -j2 --output-sync=target edges core static

format: develop ## format the code and sort imports
	$(BIN)/ruff check --select I --fix --quiet . $(SCRIPTS)
	$(BIN)/ruff format . $(SCRIPTS)

lint: develop ## look for mistakes
	$(BIN)/ruff check . $(SCRIPTS)

types: develop ## check the types
	$(BIN)/mypy

arch: develop ## check which layer imports which
	$(BIN)/lint-imports

vectors: develop ## write the test vectors anew, and what the profile shows of them
	$(BIN)/python tools/vectors
	$(BIN)/python tools/profile

generate: develop ## write the generated files anew
	$(BIN)/python tools/generate
	$(BIN)/python tools/canary

interop: develop ## run the relay against software of others; fetches it into .interop
	@$(BIN)/python tools/interop $(ONLY)

live: develop ## ask real hash services; keys come from the environment, docs/hash-services.md names them
	@$(BIN)/pytest -v tests/live || { test $$? = 5 && echo "no key in the environment: see docs/hash-services.md"; }

js: develop ## test the library in JavaScript, and run pyright over that in Python; fetches node into .interop
	@$(BIN)/python tools/js

cover: develop ## run all tests and show what they do not reach
	$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --skip-covered --show-missing
	$(BIN)/coverage report --include='relay/domain/*,relay/protocol/*,fep/mediaattest/*' --fail-under=100 --format=total
	$(BIN)/coverage report --fail-under=90 --format=total

bench: develop ## measure how fast it is; BENCHES="fanout table" says what
	@for name in $(BENCHES); do echo "== $$name"; $(BIN)/python -m bench.$$name || exit 1; done

fuzz: develop ## hand odd input to every parser for SECONDS=600 and FILES=20000 damaged media to the decoders, and try each property twenty times as often
	@status=0; nice $(BIN)/python -m tests.fuzz.run --seconds $(SECONDS) || status=1; \
	  nice $(BIN)/python -m tests.fuzz.media --files $(FILES) || status=1; \
	  ASSAY_THOROUGH=1 nice $(BIN)/pytest --timeout=600 --durations=8 tests/unit --ignore=$(EDGES) || status=1; exit $$status

chaos: develop ## kill the relay KILLS=200 times, fill its disk, move its clock, confuse its peers; SEED=7 does the same again
	ASSAY_CHAOS_KILLS=$(KILLS) ASSAY_CHAOS_SEED=$(SEED) nice $(BIN)/pytest -rfEs --durations=0 tests/chaos

lock: develop ## pin the newest packages that fit pyproject.toml
	tools/lock

clean: ## remove .venv and caches; never data
	rm -rf .venv .interop .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .fuzz .coverage build dist
	rm -rf fep/js/node_modules fep/js/types fep/js/LICENSE
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- parts of the above
develop: .venv/stamp-develop

static: format-check lint types

format-check: develop
	$(BIN)/ruff format --check . $(SCRIPTS)

core: develop # also runs the import contracts and compares generated files, vectors and documents
	$(BIN)/pytest -m 'not slow' $(QUICK) --ignore=$(EDGES)

edges: develop # the slower half of the unit tests, apart so that both cores have something to do
	$(BIN)/pytest -m 'not slow' $(EDGES)

# ---------------------------------------------------------------- .venv
# A stamp is as new as the files that it was made from: what is installed already starts at once.
.venv/stamp-python: tools/bootstrap
	@tools/bootstrap
	@touch $@

.venv/stamp-run: .venv/stamp-python requirements.lock pyproject.toml
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

.venv/stamp-develop: .venv/stamp-run requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
