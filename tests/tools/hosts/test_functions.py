"""Functions as Claude is told of them."""

from __future__ import annotations

import sys
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from app.tools.hosts.functions import Function, WrongArguments, call, describe


class Address(BaseModel):
    street: str
    number: int = 1


async def book(
    day: date,
    guests: Annotated[int, Field(ge=1, le=12)],
    at: Address | None = None,
    *,
    kind: Literal["table", "room"] = "table",
) -> str:
    """Book a table.

    Call it when somebody wants to eat out,
    not before.

    Args:
        day: The day it is for.
        guests: How many come.

    Returns:
        What was booked.
    """
    assert at is None or isinstance(at, Address)
    return f"{kind} for {guests} on {day:%A}{f' at {at.street} {at.number}' if at else ''}"


def test_name_description_and_schema_come_from_the_function() -> None:
    found = describe(book)
    assert found.name == "book"
    assert found.description == "Book a table.\n\nCall it when somebody wants to eat out,\nnot before."
    properties = found.input_schema["properties"]
    assert properties["day"] == {"type": "string", "format": "date", "description": "The day it is for."}
    assert properties["guests"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 12,
        "description": "How many come.",
    }
    assert properties["kind"] == {"type": "string", "enum": ["table", "room"], "default": "table"}
    assert found.input_schema["required"] == ["day", "guests"]
    assert found.input_schema["additionalProperties"] is False


def test_what_is_given_is_made_what_the_function_takes() -> None:
    assert call(book, {"day": "2026-11-25", "guests": 2}) == "table for 2 on Wednesday"
    given = {"day": "2026-11-25", "guests": 2, "at": {"street": "Main"}, "kind": "room"}
    assert call(book, given) == "room for 2 on Wednesday at Main 1"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"day": "someday", "guests": 2}, "day: Input should be a valid date"),
        ({"day": "2026-11-25", "guests": 13}, "guests: Input should be less than or equal to 12"),
        ({"day": "2026-11-25"}, "guests: Missing required argument"),
        ({"day": "2026-11-25", "guests": 2, "dogs": 1}, "dogs: Unexpected keyword argument"),
        ({"day": "2026-11-25", "guests": 2, "at": {}}, "at/street: Field required"),
    ],
)
def test_what_does_not_fit_is_said_without_repeating_it(given: dict[str, Any], says: str) -> None:
    with pytest.raises(WrongArguments) as found:
        call(book, given)
    assert str(found.value).startswith(says)
    assert "someday" not in str(found.value)


def failing(one: str) -> Address:
    """Do something."""
    return Address.model_validate({"number": one})


def test_what_the_function_does_wrong_itself_is_not_blamed_on_the_arguments() -> None:
    with pytest.raises(ValidationError):
        call(failing, {"one": "x"})


def bare(one: str) -> None: ...


def untyped(one) -> None:  # type: ignore[no-untyped-def]
    """Do something."""


def many(*ones: str) -> None:
    """Do something."""


def open_ended(**ones: str) -> None:
    """Do something."""


def by_place(one: str, /) -> None:
    """Do something."""


def of_nothing(one: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Do something."""


def of_a_module(one: type(sys)) -> None:  # type: ignore[valid-type]
    """Do something."""


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (bare, "bare needs a docstring"),
        (untyped, "does not say what `one` is"),
        (many, r"`\*ones: 'str'`"),
        (open_ended, "given by their names"),
        (by_place, "given by their names"),
        (of_nothing, "Nowhere"),
        (of_a_module, "what JSON cannot say"),
    ],
)
def test_one_that_cannot_be_a_tool_says_why(function: Function, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        describe(function)
