"""A plain typed Python function as Claude is told of it, and how it is called with what Claude says."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from docstring_parser import Docstring, parse
from pydantic import TypeAdapter, ValidationError, validate_call
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

Function = Callable[..., Any]
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class WrongArguments(ValueError):
    """What was given is not what the function takes."""


@dataclass(frozen=True)
class Described:
    """A function's name, what it does, and what it takes as a JSON schema."""

    name: str
    description: str
    input_schema: Mapping[str, Any]


def describe(function: Function) -> Described:
    """Read it off the signature and the docstring. Raises TypeError that says why it can be no tool."""
    name, document = function.__name__, parse(inspect.getdoc(function) or "")
    description = (document.description or "").strip()
    if not description:
        raise TypeError(f"{name} needs a docstring that tells Claude what it does and when to call it")
    for one in inspect.signature(function).parameters.values():
        _check(name, one)
    try:
        schema = TypeAdapter(cast(Any, validate_call(function))).json_schema(
            schema_generator=_generator(document)
        )
    except (PydanticUserError, NameError) as error:
        raise TypeError(f"{name} takes what JSON cannot say: {error}") from error
    return Described(name, description, schema)


def _check(name: str, one: inspect.Parameter) -> None:
    if one.kind not in NAMED:
        raise TypeError(f"{name} takes `{one}`: a tool's parameters are given by their names")
    if one.annotation is one.empty:
        raise TypeError(
            f"{name} does not say what `{one.name}` is: write `{one.name}: str`, or whatever it is"
        )


def call(function: Function, given: Mapping[str, Any]) -> Any:
    """Its result. Raises WrongArguments, in words, for what it does not take."""
    try:
        result = validate_call(function)(**given)
        return asyncio.run(result) if inspect.iscoroutine(result) else result
    except ValidationError as error:
        if error.title != function.__name__:  # it is about something that the function did
            raise
        raise WrongArguments(_in_words(error)) from None


def _in_words(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'/'.join(map(str, one['loc']))}: {one['msg']}" for one in found)


def _generator(document: Docstring) -> type[GenerateJsonSchema]:
    """Makes a schema without titles, which say nothing and cost tokens, and with the docstring's words."""
    says = {one.arg_name: one.description for one in document.params if one.description}

    class Generator(GenerateJsonSchema):
        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

        def kw_arguments_schema(self, arguments: Any, var_kwargs_schema: Any) -> JsonSchemaValue:
            made = super().kw_arguments_schema(arguments, var_kwargs_schema)
            for name, one in made.get("properties", {}).items():
                if name in says:
                    one.setdefault("description", says[name])
            return made

    return Generator
