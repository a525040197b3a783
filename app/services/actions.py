"""What an answer waits for: results of the client's tools, and a person's word on a tool of the server's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import Fault, Invalid, NotAwaited
from app.extensions import config
from app.models.messages import REQUIRES_ACTION, Message, waiting_in
from app.services import messages, sessions, toolboxes
from app.services.identity import Caller
from app.services.preparations import After, Draft
from app.services.settings import Wishes
from app.services.transactions import reading
from app.telemetry import tracing
from app.tools import dispatcher
from app.tools.values import Call, Result, Scene
from app.turns import rounds
from app.turns.rounds import APPROVAL, THEIRS, begun, calls_in, ended

APPROVE, DENY = "approve", "deny"
DECISIONS = (APPROVE, DENY)
DECLINED = "The person declined this call."


@dataclass(frozen=True)
class Given:
    """What a client says to one call: what came of it, or whether the server may carry it out."""

    tool_use_id: str
    content: str | list[dict[str, Any]] | None = None
    is_error: bool = False
    decision: str | None = None


def draft_of(caller: Caller, message_id: str, given: Sequence[Given], wishes: Wishes) -> Draft:
    """The turn that goes on with these results; calls that were approved are carried out now.

    Raises NotFound, NotAwaited, SessionBusy and Invalid.
    """
    with reading() as session:
        message = messages.own(session, caller, message_id)
        if message.status != REQUIRES_ACTION:
            raise NotAwaited("The answer waits for no results: only one that is `requires_action` does.")
        sessions.refuse_if_busy(session, message.session_id)
        tools = sessions.own(session, caller, message.session_id).tools
    awaited = awaited_of(message)
    waiting = waiting_in(awaited)
    _refuse_others(waiting, given)
    said = {one.tool_use_id: one for one in given}
    approved = [_call(one) for one in waiting if _is_approved(said[one["tool_use_id"]])]
    used = _used(approved, tools, Scene(caller.user_id, message.session_id, message.id))
    found = {one.call.id: one.as_block for one in used}
    content = [
        found.get(one["tool_use_id"]) or one.get("result") or _block(said[one["tool_use_id"]])
        for one in awaited
    ]
    events = [event for one in used for event in (begun(one.call), ended(one))]
    after = After(message.id)
    return Draft(content, message.session_id, wishes, after=after, settles_id=message.id, events=events)


def awaited_of(message: Message) -> list[dict[str, Any]]:
    """Every call of an answer: what it needs, or its result. One that was imported needs all results."""
    if message.awaits is not None:
        return message.awaits
    return [rounds.awaited(call, THEIRS) for call in calls_in(message.content)]


def _refuse_others(waiting: Sequence[Mapping[str, Any]], given: Sequence[Given]) -> None:
    """Raises Invalid unless each call that waits is answered once, as it needs, and nothing else is."""
    needs = {one["tool_use_id"]: one["needs"] for one in waiting}
    faults, seen = list[Fault](), set[str]()
    for at, one in enumerate(given):
        if says := _fault_of(one, needs, seen):
            faults.append(Fault(f"/results/{at}", says))
        seen.add(one.tool_use_id)
    faults += [Fault("/results", f"nothing is said to {one}") for one in needs if one not in seen]
    if faults:
        raise Invalid("Each call that waits must be answered once.", faults=faults)


def _fault_of(one: Given, needs: Mapping[str, str], seen: set[str]) -> str | None:
    if one.tool_use_id not in needs:
        return f"no call {one.tool_use_id} waits; those that do: {', '.join(needs)}"
    if one.tool_use_id in seen:
        return f"{one.tool_use_id} is answered twice"
    if one.decision and needs[one.tool_use_id] != APPROVAL:
        return "is a call of a tool of yours: hand in its content"
    return None if one.decision or one.content is not None else "needs a content, or a decision"


def _is_approved(one: Given) -> bool:
    return one.decision == APPROVE and one.content is None


def _used(calls: Sequence[Call], allowed: Sequence[Any] | None, scene: Scene) -> list[Result]:
    if not calls:
        return []
    with tracing.span("use_tools", has_own_work=True):
        return dispatcher.use_all(toolboxes.of(allowed).tools, calls, scene, toolboxes.limits(config()))


def _call(one: Mapping[str, Any]) -> Call:
    return Call(one["tool_use_id"], one["name"], one["input"])


def _block(one: Given) -> dict[str, Any]:
    content = one.content if one.content is not None else DECLINED
    block = {"type": "tool_result", "tool_use_id": one.tool_use_id, "content": content}
    return {**block, "is_error": True} if one.is_error or one.decision == DENY else block
