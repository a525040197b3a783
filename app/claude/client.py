"""The only file that calls the `anthropic` package, imported at first use, and sparingly: it is large."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from app.claude import events, failures, frames, packages, retries
from app.claude.events import Event
from app.claude.observers import observed
from app.claude.stop import Stop
from app.errors import ColloquyError, ThinkingRefused, UpstreamFailed, UpstreamRejected
from app.telemetry import metrics, tracing
from app.telemetry.tracing import Span

if TYPE_CHECKING:
    import anthropic
    import httpx2
    from httpx2 import BaseTransport

NO_KEY = "none"
DIAGNOSTICS = "diagnostics"
IDLE_CONNECTION_SECONDS = 120
SIDE_CALL_SECONDS = 20
CUT = "The connection to Claude was cut in the middle of the answer. What came is kept; send again."
FIRST_USED = ("anthropic._client", "anthropic.resources.messages.messages", "app.claude.sockets")
UNREACHABLE = "Claude cannot be reached: check the network and ANTHROPIC_BASE_URL, or send again."


packages.spare()


def warm_up() -> None:
    """Import now what the first call would."""
    for name in FIRST_USED:
        import_module(name)


@dataclass(frozen=True)
class Address:
    """Where Claude is, and the key for it: an empty URL is Anthropic's; no proxy is asked for our own."""

    base_url: str
    api_key: str = field(repr=False)
    is_own: bool = False


@dataclass(frozen=True)
class Patience:
    """How long a call may take, in seconds, and how often it is tried."""

    connect_seconds: float
    silence_seconds: float
    retries: retries.Policy


class Claude:
    """Claude behind one connection pool. `transport` replaces the package's own, in tests or for speed."""

    def __init__(
        self, find: Callable[[], Address], patience: Patience, transport: BaseTransport | None = None
    ) -> None:
        self._find = find
        self._patience = patience
        self._transport = transport
        self._takes_diagnostics: bool | None = None
        self._telemetry: dict[str, Any] | None = None
        self._lock = threading.Lock()
        self._made: anthropic.Anthropic | None = None

    def trace_with(self, telemetry: dict[str, Any]) -> None:
        """What the package is told of OpenTelemetry, before it is first used."""
        self._telemetry = telemetry

    def connect(self) -> None:
        """Do now what the first call would otherwise wait for: the import, the TLS context, the simulator."""
        self._client()

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    def stream(self, body: dict[str, Any], stop: Stop | None = None) -> Iterator[Event]:
        """Claude's events for a request; raises ColloquyError, also when `stop` is set.

        Retried before the first event only.
        """
        stop = stop or Stop()
        return retries.until_first(lambda: self._attempt(body, stop), self._patience.retries, stop.wait)

    def count_tokens(self, body: dict[str, Any]) -> int:
        """Claude's own count of the tokens of a request without max_tokens."""
        with translated(self._patience.silence_seconds), understood():
            return int(self._client().messages.count_tokens(**body, timeout=SIDE_CALL_SECONDS).input_tokens)

    def models(self) -> list[dict[str, Any]]:
        """The models the key may use, as Claude describes them."""
        with translated(self._patience.silence_seconds), understood():
            listed = self._client().models.list(limit=1000, timeout=SIDE_CALL_SECONDS)
            return [one for one in (each.to_dict(mode="json") for each in listed) if one.get("id")]

    def _attempt(self, body: dict[str, Any], stop: Stop) -> Iterator[Event]:
        if DIAGNOSTICS in body and self._takes_diagnostics is None:
            return self._found_out(body, stop)
        return self._asked(body if self._takes_diagnostics else _without_diagnostics(body), stop)

    def _found_out(self, body: dict[str, Any], stop: Stop) -> Iterator[Event]:
        """Claude's events. A server that refuses the request is asked without `diagnostics`.

        Not every server that speaks Claude's protocol knows them; if that helps, they are not sent again.
        """
        try:
            for event in self._asked(body, stop):
                self._takes_diagnostics = True
                yield event
        except UpstreamRejected as error:
            if self._takes_diagnostics or isinstance(error, ThinkingRefused):
                raise
        else:
            return
        for event in self._asked(_without_diagnostics(body), stop):
            self._takes_diagnostics = False
            yield event

    def _asked(self, body: dict[str, Any], stop: Stop) -> Iterator[Event]:
        attempt = tracing.start("attempt", tracing.CLAUDE, {"model": body.get("model")})
        try:
            for event in self._heard(body, stop, attempt):
                if event.name == "message_stop":
                    tracing.end(attempt, tracing.OK, attempt.output)
                yield event
        except ColloquyError as error:
            tracing.end(attempt, tracing.ERROR, tracing.described(error))
            raise
        finally:
            tracing.end(attempt, tracing.CANCELLED)

    def _heard(self, body: dict[str, Any], stop: Stop, attempt: Span) -> Iterator[Event]:
        with translated(self._patience.silence_seconds, stop) as seen, stop.at_work():
            create = self._client().messages.with_streaming_response.create
            with create(**body, stream=True) as response:
                seen.is_open, seen.request_id = True, response.headers.get("request-id")
                attempt.output = {"request_id": seen.request_id}
                pairs = frames.split(_chunks(response.http_response))
                yield from observed(response.http_response, events.read(pairs, seen.request_id))

    def _client(self) -> anthropic.Anthropic:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> anthropic.Anthropic:
        import anthropic
        import httpx2

        from app.claude.sockets import make_stoppable
        from app.claude.transports import Client

        address, patience = self._find(), self._patience
        timeout = httpx2.Timeout(patience.silence_seconds, connect=patience.connect_seconds)
        limits = httpx2.Limits(
            max_connections=None, max_keepalive_connections=200, keepalive_expiry=IDLE_CONNECTION_SECONDS
        )
        http_client = Client(
            limits=limits, timeout=timeout, transport=self._transport, trust_env=not address.is_own
        )
        make_stoppable(http_client, IDLE_CONNECTION_SECONDS)
        return anthropic.Anthropic(
            api_key=address.api_key or NO_KEY,
            base_url=address.base_url or None,
            timeout=timeout,
            max_retries=0,
            http_client=http_client,
            open_telemetry=self._telemetry or False,  # type: ignore[arg-type]
        )


def _without_diagnostics(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != DIAGNOSTICS}


def _chunks(response: httpx2.Response) -> Iterable[bytes]:
    """The body as it comes; the package's client is only asked to decode what is encoded."""
    is_plain = "content-encoding" not in response.headers and isinstance(response.stream, Iterable)
    return cast(Iterable[bytes], response.stream) if is_plain else response.iter_bytes()


@contextmanager
def understood() -> Iterator[None]:
    """An answer that is not what Claude would say is Claude's failure, not ours."""
    try:
        yield
    except (ValueError, TypeError, AttributeError) as error:
        raise UpstreamFailed(
            f"What is at ANTHROPIC_BASE_URL does not answer as Claude does: {error!r}."
        ) from error


@dataclass
class Seen:
    """What is known of a call so far."""

    is_open: bool = False
    request_id: str | None = None


@contextmanager
def translated(silence_seconds: float, stop: Stop | None = None) -> Iterator[Seen]:
    """Turns what the package raises into our errors, and counts them, but where the call was to end."""
    try:
        with _translated(silence_seconds) as seen:
            yield seen
    except ColloquyError as error:
        if not (stop and stop.is_set):
            metrics.UPSTREAM_ERRORS.labels(error.code).inc()
        raise


@contextmanager
def _translated(silence_seconds: float) -> Iterator[Seen]:
    """The four ways a stream breaks stay apart."""
    import anthropic
    import httpx2

    seen = Seen()
    try:
        yield seen
    except anthropic.APIStatusError as error:
        raise _from_status(error) from error
    except (anthropic.APITimeoutError, httpx2.TimeoutException) as error:
        if isinstance(error.__cause__ or error, httpx2.ConnectTimeout):
            raise failures.connection_lost(UNREACHABLE, None) from error
        raise failures.silence(silence_seconds, seen.request_id) from error
    except (anthropic.AnthropicError, httpx2.HTTPError, OSError) as error:
        raise failures.connection_lost(CUT if seen.is_open else UNREACHABLE, seen.request_id) from error


def _from_status(error: anthropic.APIStatusError) -> Exception:
    body = error.body if isinstance(error.body, dict) else {}
    said = body.get("error") if isinstance(body.get("error"), dict) else {}
    assert isinstance(said, dict)  # noqa: S101 - for the type checker
    message, type_ = said.get("message"), said.get("type")
    headers = error.response.headers
    return failures.from_status(
        error.status_code,
        type_ if isinstance(type_, str) else None,
        message if isinstance(message, str) else "",
        headers.get("request-id"),
        headers.get("retry-after"),
    )
