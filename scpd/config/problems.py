"""What is wrong with a configuration: where, which key, what value, why, and what was probably meant.

All mistakes are told at once. A value that may be a secret (it came from a secrets file, it is an option of a
backend, or its key is unknown) is never repeated.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from scpd.config.positions import Path as KeyPath
from scpd.profile.uids import nearest

SHOWN_CHARACTERS_MAX = 80


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was set: `source` is a file, a variable or a flag; line and column, from 1, are a file's."""

    source: str
    line: int | None = None
    column: int | None = None
    is_secret: bool = False

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.source, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `key` is dotted and "" for a file as a whole; `value` is None where it is not to be shown."""

    origin: Origin
    key: str
    message: str
    value: str | None = None
    nearest: str = ""


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(render, problems)))
        self.problems = tuple(problems)


def render(problem: Problem) -> str:
    """A problem on one line: FILE:LINE:COLUMN: KEY = VALUE: what is wrong; did you mean NEAREST?"""
    what = " = ".join(part for part in (problem.key, problem.value) if part)
    hint = f"; did you mean {problem.nearest!r}?" if problem.nearest else ""
    return ": ".join(part for part in (str(problem.origin), what, problem.message) if part) + hint


Origins: TypeAlias = Callable[[KeyPath], Origin]


def problems_of(error: ValidationError, model: type[BaseModel], origin_of: Origins) -> list[Problem]:
    """The mistakes that pydantic found, told in the operator's terms, in the order of their places.

    What is wrong with a list only because something in it is wrong goes without saying.
    """
    errors = error.errors(include_url=False)
    within = {details["loc"][:length] for details in errors for length in range(len(details["loc"]))}
    problems = [_problem(details, model, origin_of) for details in errors if details["loc"] not in within]
    return sorted(problems, key=lambda problem: (problem.origin.source, problem.origin.line or 0, problem.key))


def _problem(details: ErrorDetails, model: type[BaseModel], origin_of: Origins) -> Problem:
    path, kind = details["loc"], details["type"]
    origin = origin_of(path)
    key = ".".join(map(str, path))
    match kind:
        case "extra_forbidden":
            return Problem(origin, key, "unknown key", nearest=_nearest_key(path, model))
        case "missing":
            return Problem(origin, key, "is missing")
        case _:
            value = None if origin.is_secret or path[1:2] == ("options",) else _shown(_wrong_part(details))
            return Problem(origin, key, _message(details), value, "" if value is None else _nearest_value(details))


def _message(details: ErrorDetails) -> str:
    return details["msg"].replace("Input should be", "must be").replace("Tuple should have", "must have")


def _wrong_part(details: ErrorDetails) -> object:
    part = details.get("ctx", {}).get("part")
    return details["input"] if part is None else part


def _nearest_value(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if "nearest" in context:
        return str(context["nearest"])
    choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    return nearest(str(details["input"]), choices)


def _nearest_key(path: KeyPath, model: type[BaseModel]) -> str:
    """Of the keys that are valid in that table, the most similar one."""
    for part in path[:-1]:
        if isinstance(part, str):
            model = _table(model.model_fields[part].annotation)
    return nearest(str(path[-1]), model.model_fields)


def _table(annotation: Any) -> type[BaseModel]:  # Any: a type form
    """The table of `[name]`, or that of the elements of `[[name]]`."""
    found: type[BaseModel] = next(iter(get_args(annotation)), annotation)
    return found


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS_MAX else text[:SHOWN_CHARACTERS_MAX] + "..."
