# Two commands: `make run` and `make test`. Nothing but Python 3.11+ and make is needed: Node.js comes from PyPI if absent.
PYTHON ?= python3
PORT ?= 8000
CITIZENS ?= 2000
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-$(shell cat requirements/run.txt setup.cfg pyproject.toml | cksum | cut -d' ' -f1)
TEST_STAMP := $(VENV)/.test-$(shell cat requirements/test.txt setup.cfg pyproject.toml | cksum | cut -d' ' -f1)
ORACLE_STAMP := .oracle/.made-$(shell cksum < requirements/oracle.txt | cut -d' ' -f1)
NODE := tests/interop/node
NODE_STAMP := $(NODE)/node_modules/.made-$(shell cksum < $(NODE)/package-lock.json | cut -d' ' -f1)
UPGRADE ?= --upgrade
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
FRONT := wallet/web/front

.PHONY: run front test test-full lint types contracts suite bench picture lock clean

run: $(RUN_STAMP)  ## prepare everything, then serve on 127.0.0.1:$(PORT); pages are built behind the server
	@($(BIN)/python $(FRONT)/make.py &); \
	WALLET_PORT=$(PORT) exec $(BIN)/wallet run --citizens $(CITIZENS)

front: $(VENV)/bin/python  ## build the pages that work without network, if a source of theirs changed
	@$(BIN)/python $(FRONT)/make.py

test: $(TEST_STAMP) $(ORACLE_STAMP) $(NODE_STAMP) front  ## lint, types, contracts and the suite
	@bash tests/lane.sh fast

test-full: $(TEST_STAMP) $(ORACLE_STAMP) $(NODE_STAMP) front  ## the same tests at the full numbers
	@bash tests/lane.sh full

bench: $(TEST_STAMP) front  ## ratios against the limits, measured in one run
	@$(BIN)/python -m bench

picture: $(TEST_STAMP)  ## draw the README's picture again
	@$(BIN)/python docs/pictures/make.py

lock:  ## resolve the lock files anew (needs uv); UPGRADE= keeps what is pinned
	@for set in run prod test oracle node; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-strip-extras $(UPGRADE) -o requirements/$$set.txt requirements/$$set.in || exit 1; done

clean:  ## remove what was built and the demo's data; keys stay
	@rm -rf $(VENV) .oracle $(NODE)/node_modules $(FRONT)/node_modules wallet/web/static/dist
	@rm -rf build *.egg-info var .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "✗ Cần Python 3.11 trở lên / Python 3.11 or newer is needed"; echo "  → make run PYTHON=python3.12"; exit 1; }
	@echo "  · môi trường Python / virtual environment → $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV) || { echo "  → apt-get install python3-venv"; exit 1; }

# A stamp is written last: an interrupted install is simply done again.
$(RUN_STAMP): | $(VENV)/bin/python
	@echo "  · thư viện, khóa theo mã băm / libraries, locked by hash (~30 s)" >&2
	@$(PIP) install -qq --require-hashes -r requirements/run.txt
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q wallet
	@rm -f $(VENV)/.run-*; touch $@

$(TEST_STAMP): | $(VENV)/bin/python
	@echo "  · thư viện và công cụ kiểm thử / libraries and test tools (~60 s)" >&2
	@$(PIP) install -qq --require-hashes -r requirements/test.txt
	@$(PIP) install -qq --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q wallet
	@rm -f $(VENV)/.test-*; touch $@ $(RUN_STAMP)

$(ORACLE_STAMP):
	@echo "  · bộ đọc độc lập / the independent implementation, in its own environment" >&2
	@rm -rf .oracle && $(PYTHON) -m venv .oracle
	@.oracle/bin/python -m pip --disable-pip-version-check install -qq --require-hashes -r requirements/oracle.txt
	@touch $@

# Only tests use it. Without Node.js nothing is made, and those tests say aloud that they were left out.
$(NODE_STAMP):
	@if command -v npm >/dev/null; then \
	  echo "  · thư viện Node.js để đối chiếu / Node.js libraries to compare with" >&2; \
	  (cd $(NODE) && npm ci --ignore-scripts --no-audit --no-fund --silent) && touch $@; \
	fi
