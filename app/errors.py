"""Everything that can be refused or go wrong: one class per meaning, with HTTP status and stable code.

ColloquyError
├── CallerError                     the caller can mend it
│   ├── BadRequest 400, MalformedJson 400, NotJson 415, BodyTooLarge 413, Invalid 422
│   ├── Unauthenticated 401, BudgetExhausted 402, ScopeMissing 403, NotFound 404, MethodNotAllowed 405
│   ├── PreconditionFailed 412, SessionBusy 409, NotContinuable 409, PlanChanged 409,
│   ├── NothingToCompact 409, NotAwaited 409, TurnLimitReached 409, EventsGone 410
│   ├── LastAdmin 409, RateLimited 429
│   ├── IdempotencyKeyReused 422, ModelNotPriced 422
│   └── ContextOverflow 422, ModelNotFound 422, UpstreamRejected 422 ── ThinkingRefused
├── UpstreamError                   Claude could not answer
│   ├── UpstreamRateLimited 429, UpstreamOverloaded 503
│   └── UpstreamFailed 502, UpstreamTimeout 504, UpstreamAuth 502
└── ServerError                     it is our fault
    ├── InternalError 500, DatabaseUnavailable 503, TurnInterrupted 503, Draining 503
    └── ProviderUnavailable 503
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request: a JSON pointer (RFC 6901) to it, and what is wrong."""

    pointer: str
    detail: str


@dataclass(frozen=True)
class Upstream:
    """What Claude said when it failed: HTTP status, error type, request id; None where nothing was said."""

    status: int | None = None
    type: str | None = None
    request_id: str | None = None


class ColloquyError(Exception):
    """The root: `detail` says what happened and what to do; `about` names the objects concerned."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: dict[str, str] | None = None,
        upstream: Upstream | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.upstream = upstream
        self.about: dict[str, Any] = {}
        self.is_replayed = False

    def as_problem(self) -> dict[str, Any]:
        """The problem object of RFC 9457, without the request id, which only a request knows."""
        problem: dict[str, Any] = {
            "type": f"urn:colloquy:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
        }
        if self.faults:
            problem["errors"] = [{"pointer": one.pointer, "detail": one.detail} for one in self.faults]
        if self.upstream:
            problem["upstream"] = vars(self.upstream)
        if is_seconds(self.headers.get("Retry-After", "")):
            problem["retry_after_seconds"] = math.ceil(float(self.headers["Retry-After"]))
        return {**problem, **self.about}


class CallerError(ColloquyError):
    """The caller can mend it."""


class MalformedJson(CallerError):
    status, code, title = 400, "malformed_json", "The body is not valid JSON"


class BadRequest(CallerError):
    status, code, title = 400, "bad_request", "The request cannot be understood"


class NotJson(CallerError):
    status, code, title = 415, "unsupported_media_type", "The body must be JSON"


class BodyTooLarge(CallerError):
    status, code, title = 413, "body_too_large", "The body is too large"


class Invalid(CallerError):
    status, code, title = 422, "invalid_request", "The request is not valid"


class Unauthenticated(CallerError):
    status, code, title = 401, "unauthenticated", "A valid key is needed"


class BudgetExhausted(CallerError):
    """`about` names the scope of the budget, what of it is left, and when it begins anew."""

    status, code, title = 402, "budget_exhausted", "The budget is spent"


class ScopeMissing(CallerError):
    status, code, title = 403, "scope_missing", "The key may not do this"


class NotFound(CallerError):
    status, code, title = 404, "not_found", "There is no such thing"


class MethodNotAllowed(CallerError):
    status, code, title = 405, "method_not_allowed", "The method is not allowed here"


class PreconditionFailed(CallerError):
    status, code, title = 412, "precondition_failed", "It has changed since you read it"


class SessionBusy(CallerError):
    status, code, title = 409, "session_busy", "The session is answering already"
    retryable = True


class NotContinuable(CallerError):
    status, code, title = 409, "not_continuable", "The answer is complete"


class NotAwaited(CallerError):
    status, code, title = 409, "not_awaited", "The answer waits for no results"


class TurnLimitReached(CallerError):
    status, code, title = 409, "turn_limit_reached", "The turn has reached its limit"


class PlanChanged(CallerError):
    status, code, title = 409, "plan_changed", "What would be sent has changed"


class NothingToCompact(CallerError):
    status, code, title = 409, "nothing_to_compact", "There is nothing to summarise"


class LastAdmin(CallerError):
    status, code, title = 409, "last_admin", "There must be an admin"


class RateLimited(CallerError):
    status, code, title = 429, "rate_limited", "Too much was asked for in a minute"
    retryable = True


class EventsGone(CallerError):
    status, code, title = 410, "events_gone", "The events are not kept any more"


class IdempotencyKeyReused(CallerError):
    status, code, title = 422, "idempotency_key_reused", "The key was used for another request"


class ContextOverflow(CallerError):
    """Where Claude said so: how many tokens it counted, and how many it takes."""

    status, code, title = 422, "context_overflow", "The message does not fit the model's window"
    counted_tokens: int | None = None
    most_tokens: int | None = None


class ModelNotFound(CallerError):
    status, code, title = 422, "model_not_found", "Claude does not know the model"


class ModelNotPriced(CallerError):
    status, code, title = 422, "model_not_priced", "The model has no price"


class UpstreamRejected(CallerError):
    status, code, title = 422, "upstream_rejected", "Claude refused the request"


class ThinkingRefused(UpstreamRejected):
    """Thinking that was sent back does not fit what stands before it: it is asked again without."""


class UpstreamError(ColloquyError):
    """Claude could not answer."""

    retryable = True


class UpstreamRateLimited(UpstreamError):
    status, code, title = 429, "upstream_rate_limited", "Claude's rate limit is reached"


class UpstreamOverloaded(UpstreamError):
    status, code, title = 503, "upstream_overloaded", "Claude is overloaded"


class UpstreamFailed(UpstreamError):
    status, code, title = 502, "upstream_failed", "Claude failed"


class UpstreamTimeout(UpstreamError):
    status, code, title = 504, "upstream_timeout", "Claude did not answer in time"


class UpstreamAuth(UpstreamError):
    status, code, title = 502, "upstream_auth", "Claude refused the server's own key"
    retryable = False


class ServerError(ColloquyError):
    """It is our fault."""


class InternalError(ServerError):
    status, code, title = 500, "internal_error", "Something went wrong on our side"


class DatabaseUnavailable(ServerError):
    status, code, title = 503, "database_unavailable", "The database cannot be reached"
    retryable = True


class TurnInterrupted(ServerError):
    status, code, title = 503, "turn_interrupted", "The answer was interrupted"
    retryable = True


class Draining(ServerError):
    status, code, title = 503, "draining", "The server is about to stop"
    retryable = True


class ProviderUnavailable(ServerError):
    """A token can be neither taken nor refused."""

    status, code, title = 503, "provider_unavailable", "The provider of the token cannot be reached"
    retryable = True


# What a call to Claude may end with.
CLAUDE_ERRORS: tuple[type[ColloquyError], ...] = (
    ContextOverflow,
    ModelNotFound,
    UpstreamRejected,
    UpstreamRateLimited,
    UpstreamAuth,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamTimeout,
)
# What an act that begins a turn may end with besides.
TURN_ERRORS: tuple[type[ColloquyError], ...] = (
    *CLAUDE_ERRORS,
    BudgetExhausted,
    ModelNotPriced,
    SessionBusy,
    PlanChanged,
    IdempotencyKeyReused,
    Draining,
)


def all_errors() -> list[type[ColloquyError]]:
    """Every error a client can meet, by status and code: the OpenAPI document lists them."""
    return sorted(_leaves(ColloquyError), key=lambda one: (one.status, one.code))


def from_problem(problem: Mapping[str, Any]) -> ColloquyError:
    """The error that a stored problem object was made from."""
    kind = next((one for one in all_errors() if one.code == problem.get("code")), InternalError)
    wait = problem.get("retry_after_seconds")
    return kind(
        problem.get("detail") or kind.title,
        faults=[Fault(one["pointer"], one["detail"]) for one in problem.get("errors", ())],
        headers={"Retry-After": str(wait)} if wait is not None else {},
        upstream=Upstream(**problem["upstream"]) if problem.get("upstream") else None,
    )


def is_seconds(text: str) -> bool:
    """Whether a Retry-After is a number of seconds, as we pass it on, and not a date."""
    return bool(re.fullmatch(r"\d{1,9}(\.\d+)?", text))


def _leaves(root: type[ColloquyError]) -> Iterator[type[ColloquyError]]:
    for one in root.__subclasses__():
        if "code" in vars(one):
            yield one
        yield from _leaves(one)
