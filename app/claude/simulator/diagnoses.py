"""Why a prompt's cache gave less than the request before could have had: Claude's `diagnostics`.

Only requests that name `diagnostics` are remembered, by the id of their answer."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.claude.rules.prompts import pieces
from app.claude.simulator.cache_accounts import Account, Prompt
from app.claude.simulator.signatures import Prefix

MOST_REMEMBERED = 10_000
UNAVAILABLE = "unavailable"
Diagnosis = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a request was, as far as its cache goes; `last` is the digest of all of it."""

    model: tuple[str, str]
    system: str
    tools: str
    settings: str
    last: str
    blocks: int
    cached_tokens: int


class Diagnoses:
    """The fingerprints of one simulator's requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Fingerprint] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def diagnose(
        self, key: tuple[str, str], request: Mapping[str, Any], prompt: Prompt, account: Account
    ) -> Diagnosis | None:
        """Why less was read; None where nothing is wrong, or nobody asks. `key` is that of the answer."""
        if (asked := request.get("diagnostics")) is None:
            return None
        previous_id, now = asked.get("previous_message_id"), _fingerprint(request, prompt, account)
        with self._lock:
            before = self._known.get((key[0], previous_id or ""))
            self._known[key] = now
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return _diagnosis(before, now, prompt, account) if previous_id else None


def _diagnosis(
    before: Fingerprint | None, now: Fingerprint, prompt: Prompt, account: Account
) -> Diagnosis | None:
    if before is None:
        return {"type": "previous_message_not_found"}
    change = _change(before, now, prompt)
    if change is None:
        return None
    missed = max(before.cached_tokens - account.read_tokens, 0)
    return {"type": change} | ({} if change == UNAVAILABLE else {"cache_missed_input_tokens": missed})


def _fingerprint(request: Mapping[str, Any], prompt: Prompt, account: Account) -> Fingerprint:
    return Fingerprint(
        (request["model"], request.get("speed") or "standard"),
        _digest_of("system", request),
        _digest_of("tools", request),
        Prefix(request.get("tool_choice"), request.get("thinking")).digest(),
        prompt.digests[-1],
        len(prompt.digests),
        account.prompt_tokens - account.input_tokens,
    )


def _digest_of(part: str, request: Mapping[str, Any]) -> str:
    prefix = Prefix(part)
    for piece in pieces({**request, "messages": []}):
        if piece.part == part:
            prefix.add(piece)
    return prefix.digest()


def _change(before: Fingerprint, now: Fingerprint, prompt: Prompt) -> str | None:
    """The first thing that differs: what follows it differs by itself."""
    for name in ("model", "system", "tools"):
        if getattr(before, name) != getattr(now, name):
            return f"{name}_changed"
    if before.settings != now.settings:
        return UNAVAILABLE
    is_appended_to = before.blocks <= now.blocks and prompt.digests[before.blocks - 1] == before.last
    return None if is_appended_to else "messages_changed"
