"""Arithmetic that is exact where it can be, and bounded: whatever is asked for, it takes milliseconds."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Annotated, Any

from pydantic import Field

from app.tools.values import ToolFailed

Number = int | Decimal
MOST_CHARACTERS, MOST_DEPTH = 1_000, 50
MOST_BITS = 4_096  # of a whole number: some 1,200 digits
MOST_FACTORIAL = 500
DIGITS, SHOWN_DIGITS = 50, 34
CONTEXT = Context(
    prec=DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emax=9_999,
    Emin=-9_999,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
CONSTANTS: Mapping[str, Decimal] = {
    "pi": Decimal("3.14159265358979323846264338327950288419716939937511"),
    "e": Decimal("2.71828182845904523536028747135266249775724709369996"),
    "tau": Decimal("6.28318530717958647692528676655900576839433879875021"),
}


def calculate(
    expression: Annotated[
        str,
        Field(
            max_length=MOST_CHARACTERS,
            description="For example `(19.99 * 3 + 4) / 7`, `2**64 - 1`, `sqrt(2) * sin(radians(30))`.",
        ),
    ],
) -> str:
    """Calculate an arithmetic expression exactly, instead of guessing. Call it whenever digits matter.

    It knows + - * / // % ** and brackets; abs, round, min, max, sum, sqrt, cbrt, exp, ln, log, log2, log10,
    floor, ceil, trunc, sin, cos, tan, asin, acos, atan, atan2, radians, degrees, hypot, gcd, lcm, factorial,
    comb, perm; pi, e, tau. Whole numbers are exact up to 1,200 digits, others to 34 digits (trigonometry to
    15). Angles are in radians. The answer is a number in decimal notation.
    """
    source = expression.strip()
    with localcontext(CONTEXT):
        try:
            return _shown(_value(_parsed(source), source, 0))
        except ZeroDivisionError:
            raise ToolFailed("This divides by zero.") from None
        except DecimalException:
            raise ToolFailed("This has no real value, or it is beyond 10**9999.") from None
        except (ValueError, TypeError, OverflowError) as error:
            raise ToolFailed(f"This cannot be calculated: {error}.") from None


def _parsed(source: str) -> ast.expr:
    try:
        return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ToolFailed("This is no expression that can be read: write one such as `(1 + 2) * 3`.") from None


def _value(node: ast.expr, source: str, depth: int) -> Number:
    if depth > MOST_DEPTH:
        raise ToolFailed(f"It is nested more than {MOST_DEPTH} deep: calculate the parts by themselves.")
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            return _literal(node, source)
        case ast.Name(id=name) if name in CONSTANTS:
            return CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=inner) if type(op) in SIGNS:
            return SIGNS[type(op)](_value(inner, source, depth + 1))
        case ast.BinOp():
            return _chain(node, source, depth)
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in FUNCTIONS:
            return _bounded(FUNCTIONS[name](*(_value(one, source, depth + 1) for one in given)))
    raise ToolFailed(f"`{ast.unparse(node)[:100]}` is nothing that can be calculated here.")


def _chain(node: ast.expr, source: str, depth: int) -> Number:
    """`1 + 2 - 3 + …`, which is nested to the left, and may be long."""
    steps = list[ast.BinOp]()
    while isinstance(node, ast.BinOp):
        steps.append(node)
        node = node.left
    value = _value(node, source, depth + 1)
    for one in reversed(steps):
        operation = OPERATIONS.get(type(one.op))
        if operation is None:
            raise ToolFailed("It has an operator that is not known here: there are + - * / // % and **.")
        value = _bounded(operation(value, _value(one.right, source, depth + 1)))
    return value


def _literal(node: ast.Constant, source: str) -> Number:
    """As it is written: a float would have lost digits."""
    return (
        _bounded(node.value)
        if isinstance(node.value, int)
        else Decimal(ast.get_source_segment(source, node) or "")
    )


def _bounded(value: Number) -> Number:
    """Raises ToolFailed for a whole number that is too long, and for what is no number."""
    if isinstance(value, Decimal) and not value.is_finite():
        raise InvalidOperation
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ToolFailed(
            "A whole number here has more than 1,200 digits: write it as a decimal, such as `2.0**9999`."
        )
    return value


def _divided(one: Number, other: Number) -> Number:
    if isinstance(one, int) and isinstance(other, int) and other and one % other == 0:
        return one // other
    return Decimal(one) / Decimal(other)


def _floor_divided(one: Number, other: Number) -> int:
    if isinstance(one, int) and isinstance(other, int):
        return one // other
    return _whole(math.floor)(_divided(one, other))


def _remainder(one: Number, other: Number) -> Number:
    """With the sign of the divisor, also for decimals."""
    if isinstance(one, int) and isinstance(other, int):
        return one % other
    left = Decimal(one) % Decimal(other)
    return left + other if left and (left < 0) != (other < 0) else left


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        is_long = (base.bit_length() - 1) * exponent > MOST_BITS
        return 1 << MOST_BITS if is_long else int(base**exponent)
    return Decimal(base) ** Decimal(exponent)


def _rounded(value: Number, digits: Number = 0) -> Number:
    places = int(digits)
    if abs(places) > DIGITS:
        raise ToolFailed(f"It can be rounded to {DIGITS} digits at the most.")
    return value if isinstance(value, int) and places >= 0 else _as_number(round(Decimal(value), places))


def _whole(function: Callable[[Number], int]) -> Callable[[Number], int]:
    """For a function that makes whole numbers: a decimal may stand for one with thousands of digits."""

    def bounded(value: Number) -> int:
        if isinstance(value, Decimal) and value.adjusted() > DIGITS:
            raise ToolFailed(f"It has more than {DIGITS} digits before the point.")
        return function(value)

    return bounded


def _counted(function: Callable[..., int]) -> Callable[..., int]:
    """For a function of whole numbers that grows fast."""

    def bounded(*given: Number) -> int:
        if any(not 0 <= one <= MOST_FACTORIAL or one != int(one) for one in given):
            raise ToolFailed(f"It takes whole numbers up to {MOST_FACTORIAL}.")
        return function(*map(int, given))

    return bounded


def _integral(function: Callable[..., int]) -> Callable[..., int]:
    def checked(*given: Number) -> int:
        if any(isinstance(one, Decimal) for one in given):
            raise ToolFailed("It takes whole numbers.")
        return function(*given)

    return checked


def _floated(function: Callable[..., float]) -> Callable[..., Number]:
    """For a function of floating-point numbers: 15 digits of what it says."""
    return lambda *given: Decimal(f"{function(*map(float, given)):.15g}")


def _logarithm(value: Number, base: Number | None = None) -> Number:
    return Decimal(value).ln() if base is None else Decimal(value).ln() / Decimal(base).ln()


def _as_number(value: Decimal) -> Number:
    return int(value) if value == value.to_integral_value() and value.adjusted() <= DIGITS else value


def _shown(value: Number) -> str:
    if isinstance(value, int):
        return str(value)
    short = Context(prec=SHOWN_DIGITS).plus(value).normalize()
    return f"{short:f}" if -20 < short.adjusted() < SHOWN_DIGITS else str(short)


SIGNS: Mapping[type[ast.unaryop], Callable[[Any], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
OPERATIONS: Mapping[type[ast.operator], Callable[..., Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divided,
    ast.FloorDiv: _floor_divided,
    ast.Mod: _remainder,
    ast.Pow: _power,
}
FUNCTIONS: Mapping[str, Callable[..., Number]] = {
    "abs": abs,
    "round": _rounded,
    "min": min,
    "max": max,
    "sum": lambda *given: sum(given),
    "sqrt": lambda one: _as_number(Decimal(one).sqrt()),
    "cbrt": _floated(math.cbrt),
    "exp": lambda one: Decimal(one).exp(),
    "ln": _logarithm,
    "log": _logarithm,
    "log2": lambda one: _logarithm(one, 2),
    "log10": lambda one: Decimal(one).log10(),
    "floor": _whole(math.floor),
    "ceil": _whole(math.ceil),
    "trunc": _whole(math.trunc),
    **{
        name: _floated(getattr(math, name))
        for name in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "radians", "degrees", "hypot")
    },
    "gcd": _integral(math.gcd),
    "lcm": _integral(math.lcm),
    **{name: _counted(getattr(math, name)) for name in ("factorial", "comb", "perm")},
}
