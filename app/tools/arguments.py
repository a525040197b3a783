"""What Claude gave for a tool, against its schema. A schema may be a stranger's: it cannot fetch or stall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import jsonschema_rs
from jsonschema_rs import FancyRegexOptions, ValidationError

MOST_COMPLAINTS = 5
MOST_CHARACTERS = 300
MASK = "it"  # stands in a complaint for what was given, which may be long or a secret
PATTERNS = FancyRegexOptions(backtrack_limit=100_000)


def complaints(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> Sequence[str]:
    """What is wrong with the arguments, in words; nothing where they can be used."""
    found = _validator(schema).iter_errors(dict(arguments))
    return [_said(one) for one in islice(found, MOST_COMPLAINTS)]


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises ValueError where it is not a schema of named arguments."""
    if schema.get("type") != "object":
        raise ValueError("the schema of its arguments must be an object")
    try:
        _validator(schema)
    except ValidationError as error:
        raise ValueError(f"the schema of its arguments is wrong: {_said(error)}") from None
    except jsonschema_rs.ReferencingError as error:
        raise ValueError(f"the schema of its arguments refers to what is not there: {error}") from None


def _validator(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(dict(schema), offline=True, mask=MASK, pattern_options=PATTERNS)


def _said(error: ValidationError) -> str:
    place = "/".join(map(str, error.instance_path))
    return f"{place}: {error.message[:MOST_CHARACTERS]}" if place else error.message[:MOST_CHARACTERS]
