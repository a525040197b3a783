"""flask-smorest made strict, and the only file that knows it.

By itself it would let a body that isn't JSON and unknown query parameters pass in silence, and would answer
errors in a shape of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import flask_smorest
from flask import Flask, Request, g
from flask_smorest import Api
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.routing import BaseConverter

from app.api import access, bodies
from app.api.access import Access
from app.errors import ColloquyError, Fault, Invalid, all_errors
from app.extensions import redactor
from app.schemas.base import ProblemView, UsageView
from app.schemas.sessions import TotalsView
from app.services.roles import SCOPES

View = Callable[..., Any]
PROBLEM_JSON = "application/problem+json"
EVENT_STREAM = "text/event-stream"
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body within 24 hours give the same answer, and no second effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event you have, as browsers send it by themselves.",
    "schema": {"type": "string", "maxLength": 60},
}
ERRORS = "x-errors"
# What any route may answer besides what it names itself, without a key and with one.
PUBLIC_ERRORS = (
    "bad_request",
    "invalid_request",
    "method_not_allowed",
    "internal_error",
    "database_unavailable",
)
COMMON_ERRORS = (
    *PUBLIC_ERRORS,
    *(
        "malformed_json",
        "unauthenticated",
        "rate_limited",
        "provider_unavailable",
        "not_found",
        "body_too_large",
        "unsupported_media_type",
    ),
)


class IdConverter(BaseConverter):
    """An id in a path; what is longer than any id is none, nor are the words that are paths of their own."""

    regex = r"(?!import$|search$)[^/]{1,64}"


class StrictParser(FlaskParser):
    """Bodies must be JSON objects; unknown query parameters are refused; errors are ours."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"query": RAISE, "json": RAISE}  # noqa: RUF012 - webargs declares it so

    def load_json(self, req: Request, schema: Schema) -> Any:
        """The body, which must be a JSON object; known secrets are masked in it."""
        g.body = redactor().within(bodies.json_object(req, may_be_missing=may_be_missing(schema)))
        return g.body

    def _get_schema(self, argmap: Any, req: Request) -> Schema:
        """The schema of a class is made once, for that takes as long as reading a body with it."""
        return _made(argmap) if isinstance(argmap, type) else super()._get_schema(argmap, req)

    def handle_error(self, error: ValidationError, req: Request, schema: Schema, **_: Any) -> NoReturn:
        """Every fault of the request at once."""
        location, faults = next(iter(error.normalized_messages().items()))  # type: ignore[no-untyped-call]
        prefix = "/query" if location == "query" else ""
        raise Invalid(
            "Correct what `errors` names and send it again.", faults=list(as_faults(faults, prefix))
        )


@functools.cache
def _made(schema: type[Schema]) -> Schema:
    return schema()


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A blueprint whose operations take and give schemas."""

    ARGUMENTS_PARSER = StrictParser()

    def get(self, rule: str) -> Callable[[View], View]:
        """Route GET."""
        return self._routes(rule, "GET")

    def post(self, rule: str) -> Callable[[View], View]:
        """Route POST."""
        return self._routes(rule, "POST")

    def put(self, rule: str) -> Callable[[View], View]:
        """Route PUT."""
        return self._routes(rule, "PUT")

    def patch(self, rule: str) -> Callable[[View], View]:
        """Route PATCH."""
        return self._routes(rule, "PATCH")

    def delete(self, rule: str) -> Callable[[View], View]:
        """Route DELETE."""
        return self._routes(rule, "DELETE")

    def _routes(self, rule: str, method: str) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            named = self.doc(operationId=view.__name__)(view)
            self.route(rule, methods=[method])(named)
            return view

        return decorate

    def takes(self, schema: type[Schema], *, example: Any = None) -> Callable[[View], View]:
        """The operation is given the body as the last argument."""
        required = not may_be_missing(schema)
        return self.arguments(schema, location="json", required=required, example=example)  # type: ignore[no-any-return]

    def takes_query(self, schema: type[Schema]) -> Callable[[View], View]:
        """The operation is given the query parameters."""
        return self.arguments(schema, location="query")  # type: ignore[no-any-return]

    def takes_key(self, view: View) -> View:
        """The operation may be repeated with an Idempotency-Key."""
        return self.doc(parameters=[IDEMPOTENCY_KEY])(view)  # type: ignore[no-any-return]

    def follows_stream(self, view: View) -> View:
        """The operation goes on after the event that a reader had last."""
        return self.doc(parameters=[LAST_EVENT_ID])(view)  # type: ignore[no-any-return]

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

        return self.doc(**{ERRORS: [one.code for one in errors]})  # type: ignore[no-any-return]


def may_be_missing(schema: type[Schema] | Schema) -> bool:
    """Whether a body of this schema may be left out altogether."""
    return bool(getattr(schema, "may_be_missing", False))


def takes_query_parameters(view: View) -> bool:
    """Whether an operation declared any."""
    declared = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    return any(isinstance(one, Mapping) and one["in"] == "query" for one in declared)


def as_faults(messages: Any, at: str = "") -> Iterator[Fault]:
    """marshmallow's nested messages, flat, with JSON pointers."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            yield from as_faults(inner, at if name == "_schema" else at + bodies.step(name))
    elif isinstance(messages, list):
        for inner in messages:
            yield from as_faults(inner, at)
    else:
        yield Fault(at or "/", str(messages))


def make_api(app: Flask, version: str) -> Api:
    """The API of an app, documented as OpenAPI 3.1."""
    app.config.update(API_TITLE="Colloquy", API_VERSION=version, OPENAPI_VERSION="3.1.0")
    api = OurApi()
    api.init_app(app, spec_kwargs={"info": {"description": DESCRIPTION}})
    scheme = {"type": "http", "scheme": "bearer", "description": "A key, `clq_…`, or a provider's token."}
    api.spec.components.security_scheme("key", scheme)
    for name, schema in {"Usage": UsageView, "Totals": TotalsView, "Problem": ProblemView}.items():
        api.spec.components.schema(name, schema=schema)
    return api


DESCRIPTION = """Sessions and messages between applications and Claude.

Every request carries `Authorization: Bearer clq_…`. Where rates are limited, every answer says in `RateLimit`
and `RateLimit-Policy` what is left. Errors are `application/problem+json` (RFC 9457), each with a stable
`code`:

""" + "\n".join(f"- {one.status} `{one.code}`: {one.title}." for one in all_errors())


class OurApi(Api):  # type: ignore[misc]
    """An API that leaves errors and default responses to us."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Errors are handled in `problems`."""

    def _register_responses(self) -> None:
        """Each operation names its own; these would differ from one Python to the next."""


def finish(api: Api) -> None:
    """Add to every operation what all have in common: who may call it, and the errors, common and its own."""
    for operations in api.spec._paths.values():
        for method, operation in operations.items():
            if method != "parameters":
                needed = access.TABLE.get(f"{operation['tags'][0]}.{operation['operationId']}")
                _add_errors(operation, needed)
                _add_access(operation, needed)


def _add_errors(operation: dict[str, Any], needed: Access | None) -> None:
    common = PUBLIC_ERRORS if needed == access.PUBLIC else COMMON_ERRORS
    scope_errors = ["scope_missing"] if needed in SCOPES else []
    codes = {*common, *scope_errors, *operation.pop(ERRORS, ())}
    found: dict[str, list[str]] = {}
    for one in all_errors():
        if one.code in codes:
            found.setdefault(str(one.status), []).append(f"`{one.code}`")
    for status, names in found.items():
        operation["responses"][status] = _problem(" or ".join(names))
    operation["responses"] = dict(sorted(operation["responses"].items(), key=lambda one: str(one[0])))


def _add_access(operation: dict[str, Any], needed: Access | None) -> None:
    """The scope is told three times: to people, to programs, and as OpenAPI has it since 3.1."""
    if needed == access.PUBLIC:
        return
    scopes = [needed] if needed in SCOPES else []
    says = f"Needs the scope `{needed}`." if scopes else "Any key will do."
    operation["description"] = "\n\n".join(filter(None, [operation.get("description"), says]))
    operation["security"] = [{"key": scopes}]
    if scopes:
        operation["x-scope"] = needed


def _problem(names: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": names, "content": {PROBLEM_JSON: {"schema": schema}}}
