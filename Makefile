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
