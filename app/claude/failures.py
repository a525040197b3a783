"""What Claude's failures mean to our caller. Claude's own words are never passed on."""

from __future__ import annotations

import re

from app.errors import (
    ColloquyError,
    ContextOverflow,
    ModelNotFound,
    ThinkingRefused,
    Upstream,
    UpstreamAuth,
    UpstreamFailed,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)

STATUS_OF_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
RETRIED_STATUSES = frozenset({408, 409, 429, 529})
RETRIED_TYPES = frozenset({"rate_limit_error", "api_error", "timeout_error", "overloaded_error"})
# How Claude says that thinking sent back is not what it wrote, or does not stand where it wrote it.
THINKING_SIGNS = (
    "`signature`",
    "bound to a different conversation",
    "`redacted_thinking`",
    "cannot be modified",
)
COUNTED_TOO_LONG = re.compile(r"prompt is too long: (\d+) tokens > (\d+)")


def is_transient(error: ColloquyError) -> bool:
    """Whether the same call may succeed a little later: 408, 409, 429, 529, 5xx, no connection, no answer."""
    said = error.upstream or Upstream()
    if not error.retryable or said.status is None:
        return error.retryable
    return said.status in RETRIED_STATUSES or said.status >= 500 or said.type in RETRIED_TYPES


def from_status(
    status: int, type_: str | None, message: str, request_id: str | None, retry_after: str | None = None
) -> ColloquyError:
    """The error for an HTTP status of Claude's; its message is only read to tell two kinds of 400 apart."""
    upstream = Upstream(status, type_, request_id)
    headers = {"Retry-After": retry_after} if retry_after else {}
    if status == 429:
        return UpstreamRateLimited(
            "Claude's rate limit is reached: send again later.", headers=headers, upstream=upstream
        )
    if status in {503, 529}:
        return UpstreamOverloaded(
            "Claude is overloaded: send again a little later.", headers=headers, upstream=upstream
        )
    if status in {401, 402, 403}:
        return UpstreamAuth(
            "Claude does not accept the server's ANTHROPIC_API_KEY: whoever runs the server must mend it.",
            upstream=upstream,
        )
    if status in {408, 504}:
        return UpstreamTimeout("Claude did not answer in time: send again.", upstream=upstream)
    if 400 <= status < 500 and status != 409:
        return _from_refusal(status, message, upstream)
    return UpstreamFailed("Claude failed: send again.", upstream=upstream)


def _from_refusal(status: int, message: str, upstream: Upstream) -> ColloquyError:
    if status == 404 and upstream.type != "not_found_error":
        return UpstreamFailed(
            "There is no Claude at ANTHROPIC_BASE_URL: check the address.", upstream=upstream
        )
    if status == 404:
        return ModelNotFound(
            "Claude does not know this model: GET /models lists those it does.", upstream=upstream
        )
    if "prompt is too long" in message:
        return _too_long(message, upstream)
    if status == 413:
        return ContextOverflow(
            "The request is larger than Claude takes: send smaller files.", upstream=upstream
        )
    if "thinking" in message and any(sign in message for sign in THINKING_SIGNS):
        return ThinkingRefused(
            "Claude refused the thinking of an earlier answer: regenerate that answer.", upstream=upstream
        )
    return UpstreamRejected(
        "Claude refused the request: check the content and the settings sent.", upstream=upstream
    )


def _too_long(message: str, upstream: Upstream) -> ContextOverflow:
    """With Claude's own count, where it gives one."""
    error = ContextOverflow(
        "Claude counts more tokens than the model's window holds: shorten it.", upstream=upstream
    )
    if counted := COUNTED_TOO_LONG.search(message):
        error.counted_tokens, error.most_tokens = int(counted[1]), int(counted[2])
    return error


def from_error_event(type_: str | None, request_id: str | None) -> ColloquyError:
    """The error for an `error` event in mid-stream."""
    status = STATUS_OF_TYPE.get(type_ or "", 500)
    error = from_status(status, type_, "", request_id)
    error.upstream = Upstream(200, type_, request_id)
    return error


def connection_lost(detail: str, request_id: str | None) -> ColloquyError:
    """No connection, or one that was cut."""
    return UpstreamFailed(detail, upstream=Upstream(None, "connection_lost", request_id))


def silence(seconds: float, request_id: str | None) -> ColloquyError:
    """Nothing came for longer than the read time-out."""
    return UpstreamTimeout(
        f"Claude said nothing for {seconds:g} s, so the call was given up: send again.",
        upstream=Upstream(None, "silence", request_id),
    )
