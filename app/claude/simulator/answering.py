"""Which answer a request gets: an HTTP request in, a status and the steps of its body out. No I/O.

What is remembered between requests is the prompt cache's accounts, what the requests were for `diagnostics`,
and how often a fault has struck."""

import hashlib
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.claude import rules
from app.claude.rules import Violation
from app.claude.simulator import catalog, conversation, errors, replies, signing, stream
from app.claude.simulator.cache_accounts import CacheAccounts, measure
from app.claude.simulator.diagnoses import Diagnoses
from app.claude.simulator.directives import Fault
from app.claude.simulator.errors import Refused
from app.claude.simulator.stream import Answered, Send, Step

VERSIONS = ("2023-06-01", "2026-10-21")
MOST_STRIKES_KEPT = 1_000
_MESSAGES, _COUNT, _MODELS = "/v1/messages", "/v1/messages/count_tokens", "/v1/models"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    raw: bytes
    id: str = field(default_factory=lambda: f"req_sim_{secrets.token_hex(12)}")

    @property
    def path(self) -> str:
        return urlsplit(self.target).path.rstrip("/")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def api_key(self) -> str:
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else self.headers.get("x-api-key", "")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    steps: Iterable[Step]
    is_stream: bool = False
    retry_after: str | None = None


class Answering:
    def __init__(self, seconds_per_event: float, accounts: CacheAccounts) -> None:
        self._seconds_per_event = seconds_per_event
        self._accounts = accounts
        self._diagnoses = Diagnoses()
        self._strikes: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()
        self._posts: dict[str, Callable[[Asked], Answer]] = {_MESSAGES: self._message, _COUNT: self._count}

    def answer(self, asked: Asked) -> Answer:
        try:
            _authenticate(asked)
            return self._route(asked)
        except Refused as refused:
            return refusal(refused, asked)

    def _route(self, asked: Asked) -> Answer:
        if asked.method == "POST" and asked.path in self._posts:
            return self._posts[asked.path](asked)
        if asked.method == "GET" and asked.path == _MODELS:
            return _found(catalog.page(_cursor(asked.query)))
        if asked.method == "GET" and asked.path.startswith(f"{_MODELS}/"):
            return _found(catalog.entry(catalog.get(asked.path.removeprefix(f"{_MODELS}/"))))
        raise Refused(404, f"Not found: {asked.method} {asked.path}")

    def _count(self, asked: Asked) -> Answer:
        request = _parsed(asked)
        _refuse(rules.counting_violations(request))
        return _found({"input_tokens": measure(request, catalog.get(request["model"])).tokens})

    def _message(self, asked: Asked) -> Answer:
        request = _parsed(asked)
        _refuse(rules.violations(request))
        model = catalog.get(request["model"])
        signing.verify(request, model)
        directives = conversation.asked(request)
        faults = tuple(fault for fault in directives.faults if self._strikes_now(fault, asked))
        _strike(faults, is_stream=bool(request.get("stream")))
        prompt = measure(request, model)
        if prompt.tokens > model.window_tokens:
            raise Refused(400, f"prompt is too long: {prompt.tokens} tokens > {model.window_tokens} maximum")
        reply = replies.compose(request, model, directives.wish, replies.room(request, model, prompt.tokens))
        account = self._accounts.charge(asked.api_key, prompt, model)
        id_ = f"msg_sim_{secrets.token_hex(12)}"
        diagnosis = self._diagnoses.diagnose((asked.api_key, id_), request, prompt, account)
        bill = directives.wish.bill_for(request)
        answered = Answered(id_, model.id, reply, account, asked.id, bill, diagnosis)
        if not request.get("stream"):
            return Answer(200, stream.whole(answered, faults))
        pace = directives.wish.seconds_per_event
        seconds = self._seconds_per_event if pace is None else pace
        return Answer(200, stream.streamed(answered, faults, seconds), is_stream=True)

    def _strikes_now(self, fault: Fault, asked: Asked) -> bool:
        """Whether a fault is not used up by earlier requests that were the same, byte for byte."""
        if fault.times is None:
            return True
        same = hashlib.sha256(f"{asked.api_key} {fault} ".encode() + asked.raw).hexdigest()
        with self._lock:
            self._strikes[same] = self._strikes.get(same, 0) + 1
            self._strikes.move_to_end(same)
            if len(self._strikes) > MOST_STRIKES_KEPT:
                self._strikes.popitem(last=False)
            return self._strikes[same] <= fault.times


def refusal(refused: Refused, asked: Asked) -> Answer:
    body = errors.body(refused.type, refused.message, asked.id)
    return replace(_found(body), status=refused.status, retry_after=refused.retry_after)


def _found(body: Mapping[str, Any]) -> Answer:
    return Answer(200, [Send(json.dumps(body, ensure_ascii=False))])


def _authenticate(asked: Asked) -> None:
    if not asked.api_key:
        raise Refused(401, "x-api-key header is required")
    if asked.api_key == "invalid" or asked.api_key.startswith("sk-ant-invalid"):
        raise Refused(401, "invalid x-api-key")
    version = asked.headers.get("anthropic-version")
    if version is None:
        raise Refused(400, "anthropic-version: header is required")
    if version not in VERSIONS:
        raise Refused(400, f'anthropic-version: "{version}" is not a valid version')


def _parsed(asked: Asked) -> dict[str, Any]:
    try:
        request = json.loads(asked.raw)
    except ValueError as wrong:
        raise Refused(400, f"The request body is not valid JSON: {wrong}") from wrong
    if not isinstance(request, dict):
        raise Refused(400, "Input should be a valid dictionary")
    if isinstance(request.get("model"), str):
        catalog.get(request["model"])
    return request


def _refuse(violations: list[Violation]) -> None:
    if violations:
        raise Refused(400, str(violations[0]))


def _cursor(query: Mapping[str, list[str]]) -> catalog.Cursor:
    try:
        limit = int(query.get("limit", ["20"])[0])
    except ValueError as wrong:
        raise Refused(400, "limit: Input should be a valid integer") from wrong
    after, before = (query.get(name, [""])[0] for name in ("after_id", "before_id"))
    cursor = catalog.Cursor(limit, after, before)
    lifecycles = query.get("lifecycle[]") or query.get("lifecycle")
    return replace(cursor, lifecycles=lifecycles) if lifecycles else cursor


def _strike(faults: Iterable[Fault], *, is_stream: bool) -> None:
    """The faults that are a refusal: a status and, where there is no stream to hold it, an error event."""
    for fault in faults:
        if fault.kind == "status":
            raise Refused(fault.status, retry_after=fault.retry_after)
        if fault.kind == "error" and not is_stream:
            raise Refused(errors.status_of(fault.type))
