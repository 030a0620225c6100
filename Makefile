# `make check` is all that a change must pass. ./run check installs what it needs before it calls it.
BIN := .venv/bin
PURE := ul dimse dataset profile query

.PHONY: check lint types coverage test
check: lint types coverage test

lint:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types:
	$(BIN)/mypy

# The pure layers are covered to the last branch, each by its own tests alone.
coverage: $(PURE:%=coverage-%)
coverage-%:
	$(BIN)/coverage run --data-file=.coverage.$* --source=scpd/$* -m pytest --quiet tests/$*
	$(BIN)/coverage report --data-file=.coverage.$* --fail-under=100

# Warnings are errors, as pyproject.toml says.
test:
	$(BIN)/python -m pytest

# Not a part of the check: as long as one likes. `uv sync --group fuzz` installs the fuzzer.
SECONDS := 60
SEEDS := 10000
CASES := 20000

.PHONY: fuzz simulate query-proof
fuzz: $(addprefix fuzz-,pdu command head identifier replayer)
fuzz-replayer:
	$(BIN)/python -m tests.fuzz.replayer --sessions 1000000 --seconds $(SECONDS) --seed $$(date +%s)
fuzz-%:
	$(BIN)/python -m tests.fuzz $* --seconds $(SECONDS)

simulate:
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)

query-proof:
	$(BIN)/python -m tests.query_proof --cases $(CASES)

# kill -9 for a night, and power cuts on an ext4 image of their own; those need root and loop devices.
CYCLES := 1000
ROUNDS := 100
SEED := 0

.PHONY: ledger powerloss
ledger:
	$(BIN)/python -m tests.faults ledger --cycles $(CYCLES) --seed $(SEED)
powerloss:
	unshare --mount $(BIN)/python -m tests.faults powerloss --rounds $(ROUNDS) --seed $(SEED)

# Builds and runs the container image without Docker. Needs root, mmdebstrap, buildah, podman and runc.
.PHONY: container-check
container-check:
	tests/container/check.sh
