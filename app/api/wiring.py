"""flask-smorest made strict, and the only file that knows it.

By itself it would let a body that isn't JSON and unknown query parameters pass in silence, and would answer
errors in a shape of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import flask_smorest
from flask import Flask, Request
from flask_smorest import Api
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser

from app.api import bodies
from app.errors import ColloquyError, Fault, Invalid, all_errors
from app.schemas.base import ProblemView, UsageView
from app.schemas.sessions import TotalsView

View = Callable[..., Any]
PROBLEM_JSON = "application/problem+json"
EVENT_STREAM = "text/event-stream"
# What any route with a key may answer, besides what it names itself.
COMMON_STATUSES = (400, 401, 403, 404, 405, 413, 415, 422, 500, 503)


class StrictParser(FlaskParser):
    """Bodies must be JSON objects; unknown query parameters are refused; errors are ours."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"query": RAISE, "json": RAISE}  # noqa: RUF012 - webargs declares it so

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body, which must be a JSON object."""
        return bodies.json_object(req)

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **_: Any) -> NoReturn:
        """Every fault of the request at once."""
        location, faults = next(iter(error.normalized_messages().items()))  # type: ignore[no-untyped-call]
        prefix = "/query" if location == "query" else ""
        raise Invalid(
            "Correct what `errors` names and send it again.", faults=list(as_faults(faults, prefix))
        )


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A blueprint whose operations take and give schemas."""

    ARGUMENTS_PARSER = StrictParser()

    def get(self, rule: str) -> Callable[[View], View]:
        """Route GET."""
        return self.route(rule, methods=["GET"])  # type: ignore[no-any-return]

    def post(self, rule: str) -> Callable[[View], View]:
        """Route POST."""
        return self.route(rule, methods=["POST"])  # type: ignore[no-any-return]

    def patch(self, rule: str) -> Callable[[View], View]:
        """Route PATCH."""
        return self.route(rule, methods=["PATCH"])  # type: ignore[no-any-return]

    def delete(self, rule: str) -> Callable[[View], View]:
        """Route DELETE."""
        return self.route(rule, methods=["DELETE"])  # type: ignore[no-any-return]

    def takes(self, schema: type[Schema], *, example: Any = None) -> Callable[[View], View]:
        """The operation is given the body as the last argument."""
        return self.arguments(schema, location="json", example=example)  # type: ignore[no-any-return]

    def takes_query(self, schema: type[Schema]) -> Callable[[View], View]:
        """The operation is given the query parameters."""
        return self.arguments(schema, location="query")  # type: ignore[no-any-return]

    def answers(
        self, status: int, schema: type[Schema] | None = None, **about: Any
    ) -> Callable[[View], View]:
        """What a success looks like."""
        return self.response(status, schema, **about)  # type: ignore[no-any-return]

    def also_answers(self, status: int, **about: Any) -> Callable[[View], View]:
        """Another form of success, for a view that makes its own response."""
        return self.alt_response(status, success=True, **about)  # type: ignore[no-any-return]

    def may_fail(self, *errors: type[ColloquyError]) -> Callable[[View], View]:
        """Errors of this operation besides those that any may meet."""

        def decorate(view: View) -> View:
            for status, names in by_status(errors).items():
                view = self.alt_response(
                    status, description=names, schema=ProblemView, content_type=PROBLEM_JSON
                )(view)
            return view

        return decorate


def takes_query_parameters(view: View) -> bool:
    """Whether an operation declared any."""
    declared = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    return any(isinstance(one, Mapping) and one["in"] == "query" for one in declared)


def as_faults(messages: Any, at: str = "") -> Iterator[Fault]:
    """marshmallow's nested messages, flat, with JSON pointers."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            step = "" if name == "_schema" else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from as_faults(inner, at + step)
    elif isinstance(messages, list):
        for inner in messages:
            yield from as_faults(inner, at)
    else:
        yield Fault(at or "/", str(messages))


def by_status(errors: Any) -> dict[int, str]:
    """Status → the codes that have it."""
    found: dict[int, list[str]] = {}
    for one in errors:
        found.setdefault(one.status, []).append(f"`{one.code}`")
    return {status: " or ".join(codes) for status, codes in found.items()}


def make_api(app: Flask, version: str) -> Api:
    """The API of an app, documented as OpenAPI 3.1."""
    app.config.update(API_TITLE="Colloquy", API_VERSION=version, OPENAPI_VERSION="3.1.0")
    api = OurApi()
    api.init_app(app, spec_kwargs={"info": {"description": DESCRIPTION}})
    scheme = {"type": "http", "scheme": "bearer", "description": "A key: `clq_…`."}
    api.spec.components.security_scheme("key", scheme)
    for name, schema in {"Usage": UsageView, "Totals": TotalsView, "Problem": ProblemView}.items():
        api.spec.components.schema(name, schema=schema)
    return api


DESCRIPTION = """Sessions and messages between applications and Claude.

Every request carries `Authorization: Bearer clq_…`. Errors are `application/problem+json` (RFC 9457), each
with a stable `code`:

""" + "\n".join(f"- {one.status} `{one.code}`: {one.title}." for one in all_errors())


class OurApi(Api):  # type: ignore[misc]
    """An API that leaves errors and default responses to us."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Errors are handled in `problems`."""


def finish(api: Api, public_tags: set[str]) -> None:
    """Add to every operation what all have in common: the key and the common errors."""
    errors = {
        str(status): names for status, names in by_status(all_errors()).items() if status in COMMON_STATUSES
    }
    for operations in api.spec._paths.values():
        for method, operation in operations.items():
            if method != "parameters":
                _finish(operation, errors, public=not public_tags.isdisjoint(operation["tags"]))


def _finish(operation: dict[str, Any], errors: dict[str, str], *, public: bool) -> None:
    responses = operation["responses"]
    for status, names in errors.items():
        if public and status not in {"405", "422", "500", "503"}:
            continue
        responses.setdefault(status, _problem(names))
    if not public:
        operation["security"] = [{"key": []}]


def _problem(names: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": names, "content": {PROBLEM_JSON: {"schema": schema}}}
