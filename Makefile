# Two commands: `make run` and `make test`. `make help` lists the others.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check lint types imports faults fuzz simulator bench bench-peers bench-flat bench-context cluster soak postman docker-test lock clean

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

run: $(VENV)/installed ## Install, migrate and serve on 127.0.0.1:8000
	@exec $(BIN)/flask serve

test: $(VENV)/installed-dev ## Run every test, on SQLite and PostgreSQL
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: lint types imports test ## Everything that must hold before a commit

lint: $(VENV)/installed-dev ## Check the style
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/installed-dev ## Check the types
	$(BIN)/mypy

imports: $(VENV)/installed-dev ## Check who imports whom
	$(BIN)/lint-imports --no-cache | grep -E 'KEPT|BROKEN|Contracts:'
	@$(BIN)/lint-imports --no-cache > /dev/null

faults: $(VENV)/installed-dev ## Kill, cut and crowd it for a quarter of an hour: the long form of tests/faults
	FAULTS=long $(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/faults

fuzz: $(VENV)/installed-dev ## Let schemathesis try the whole API for some minutes
	FUZZ_EXAMPLES=200 $(BIN)/python -m pytest tests/fuzz

postman: $(VENV)/installed-dev ## Write docs/openapi.json and docs/postman.json anew
	$(BIN)/flask openapi-files

bench: $(VENV)/installed-dev ## Measure against the same upstream called directly
	$(BIN)/python -m bench

bench-peers: $(VENV)/installed-dev ## Measure LiteLLM's proxy beside it, and write docs/benchmarks.md
	$(BIN)/python -m bench --peers --write

bench-flat: $(VENV)/installed-dev ## Measure what turns, lists and searches cost in long histories
	$(BIN)/python -m bench.flat --write

bench-context: $(VENV)/installed-dev ## Measure what a conversation's input costs, on simulated cache accounts
	$(BIN)/python -m bench.context

cluster: $(VENV)/installed-dev ## Run servers on two hosts behind nginx, and kill them under load
	$(BIN)/python -m bench.cluster --write

soak: $(VENV)/installed-dev ## Load it for half an hour, and say what grew
	$(BIN)/python -m bench.soak --minutes 30 --write

docker-test: $(VENV)/installed ## Build the image and run it, alone and by Compose (Linux, root, some minutes)
	PYTHON=$(BIN)/python bash tests/docker/docker_test.sh

simulator: $(VENV)/installed ## Run the simulator of Claude alone
	@exec $(BIN)/python -m app.claude.simulator

lock: $(VENV)/installed-dev ## Pin the requirements anew from the .in files
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --upgrade -q requirements.in -o requirements.txt
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --upgrade -q requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --upgrade -q bench/peers/litellm.in -o bench/peers/litellm.txt

clean: ## Remove what was installed, not the data
	rm -rf $(VENV) .bench

$(VENV)/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
