"""Small checks that combine into the shape of a JSON value.

A check is given a path and a value, and yields what is wrong there."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.claude.rules.violations import Violation

Check = Callable[[str, Any], Iterator[Violation]]
Fields = Mapping[str, Check]


def anything(path: str, value: Any) -> Iterator[Violation]:
    return iter(())


def text(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield Violation(path, "Input should be a valid string")


def boolean(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, bool):
        yield Violation(path, "Input should be a valid boolean")


def mapping(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield Violation(path, "Input should be a valid dictionary")


def filled_text(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield from text(path, value)
    elif not value:
        yield Violation(path, "text content blocks must be non-empty")
    elif not value.strip():
        yield Violation(path, "text content blocks must contain non-whitespace text")


def integer(at_least: int) -> Check:
    def check(path: str, value: Any) -> Iterator[Violation]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Violation(path, "Input should be a valid integer")
        elif value < at_least:
            yield Violation(path, f"Input should be greater than or equal to {at_least}")

    return check


def one_of(*allowed: str) -> Check:
    def check(path: str, value: Any) -> Iterator[Violation]:
        if value not in allowed:
            yield Violation(path, f"Input should be {quoted(allowed, ' or ')}")

    return check


def matching(pattern: str) -> Check:
    def check(path: str, value: Any) -> Iterator[Violation]:
        if not isinstance(value, str):
            yield from text(path, value)
        elif not re.fullmatch(pattern, value):
            yield Violation(path, f"String should match pattern '^{pattern}$'")

    return check


def nullable(check: Check) -> Check:
    return lambda path, value: iter(()) if value is None else check(path, value)


def list_of(check: Check) -> Check:
    def check_each(path: str, value: Any) -> Iterator[Violation]:
        if not isinstance(value, list):
            yield Violation(path, "Input should be a valid list")
            return
        for index, item in enumerate(value):
            yield from check(f"{path}.{index}", item)

    return check_each


def text_or(check: Check) -> Check:
    return lambda path, value: iter(()) if isinstance(value, str) else check(path, value)


def record(required: Fields, optional: Fields) -> Check:
    """An object with all of `required`, perhaps some of `optional`, and nothing else."""
    known = {**required, **optional}

    def check(path: str, value: Any) -> Iterator[Violation]:
        if not isinstance(value, dict):
            yield from mapping(path, value)
            return
        yield from (Violation(join(path, name), "Field required") for name in required if name not in value)
        for name, item in value.items():
            yield from known.get(name, unexpected)(join(path, name), item)

    return check


def unexpected(path: str, value: Any) -> Iterator[Violation]:
    yield Violation(path, "Extra inputs are not permitted")


def tagged(variants: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of `variants` it is."""

    def check(path: str, value: Any) -> Iterator[Violation]:
        if not isinstance(value, dict):
            yield from mapping(path, value)
        elif not isinstance(tag := value.get("type"), str):
            yield Violation(path, "Unable to extract tag using discriminator 'type'")
        elif tag not in variants:
            yield Violation(path, unknown_tag(tag, variants))
        else:
            yield from variants[tag](path, value)

    return check


def unknown_tag(tag: str, expected: Iterable[str]) -> str:
    return f"Input tag '{tag}' found using 'type' does not match any of the expected tags: {quoted(expected)}"


def followed_by(shape: Check, meaning: Check) -> Check:
    """`meaning` is looked at only where `shape` is right, so that it may rely on it."""

    def check(path: str, value: Any) -> Iterator[Violation]:
        wrong = list(shape(path, value))
        yield from wrong or meaning(path, value)

    return check


def join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def quoted(names: Iterable[str], last: str = ", ") -> str:
    *most, final = [f"'{name}'" for name in names]
    return ", ".join(most) + (last if most else "") + final
