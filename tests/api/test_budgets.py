"""Budgets over HTTP, on both databases: what is refused, what is lessened, and who may set them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.claude.simulator import Simulator
from tests.support import Api, asked, last_asked

MUCH = {"limit_usd": "5", "period": "total"}


def me(api: Api) -> str:
    """The person's id, as a session of theirs tells it to the ledger."""
    return str(api.get("/me").json()["id"])


def put(admin: Api, scope: str, **limit: Any) -> dict[str, Any]:
    answer = admin.put(f"/budgets/{scope}", json={"period": "total", **limit})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def greatest(api: Api, session_id: str, content: str, **values: Any) -> int:
    plan = api.post(f"/sessions/{session_id}/preflight", json={"content": content, **values}).json()
    return int(plan["cost"]["greatest_nano_usd"])


def budget(api: Api, scope: str) -> dict[str, Any]:
    return next(one for one in api.get("/budgets").json()["data"] if one["scope"] == scope)


def test_a_budget_that_holds_the_send_counts_what_it_cost(api: Api, admin: Api) -> None:
    scope = f"user:{me(api)}"
    put(admin, scope, limit_usd="5")
    message = api.say(api.session(), "Hello")
    cost = api.get(f"/messages/{message['id']}/receipt").json()["cost_nano_usd"]
    found = budget(api, scope)
    assert cost > 0
    assert (found["spent_nano_usd"], found["reserved_nano_usd"]) == (cost, 0)
    assert found["remaining_nano_usd"] == 5_000_000_000 - cost
    assert (found["limit_usd"], found["resets_at"]) == ("5", None)
    assert api.get("/me").json()["budgets"] == [found]


def test_a_send_that_might_cost_more_than_is_left_is_refused_and_stores_nothing(
    api: Api, admin: Api, simulator: Simulator
) -> None:
    session_id = api.session()
    scope = f"user:{me(api)}"
    needed = greatest(api, session_id, "Hello")
    put(admin, scope, limit_nano_usd=needed - 1, period="month", time_zone="Europe/Paris")
    calls = len(asked(simulator))
    answer = api.send_to(session_id, "Hello")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "budget_exhausted")
    assert (problem["scope"], problem["needed_nano_usd"]) == (scope, needed)
    assert problem["remaining_nano_usd"] == needed - 1
    assert problem["resets_at"].endswith("Z")
    assert (api.path(session_id), len(asked(simulator))) == ([], calls)
    assert budget(api, scope)["reserved_nano_usd"] == 0
    put(admin, scope, limit_nano_usd=needed)
    assert api.send_to(session_id, "Hello").status_code == 201


@pytest.mark.parametrize("kind", ["all", "key", "session"])
def test_every_kind_of_budget_holds(api: Api, admin: Api, kind: str) -> None:
    session_id = api.session()
    ids = {"key": api.get("/me").json()["key"]["id"], "session": session_id}
    scope = f"{kind}:{ids[kind]}" if kind in ids else "all"
    put(admin, scope, limit_nano_usd=1)
    assert api.send_to(session_id, "Hello").json()["scope"] == scope
    assert admin.delete(f"/budgets/{scope}").status_code == 204
    assert api.send_to(session_id, "Hello").status_code == 201


def test_what_was_spent_before_a_budget_was_set_counts(api: Api, admin: Api) -> None:
    message = api.say(api.session(), "Hello")
    cost = api.get(f"/messages/{message['id']}/receipt").json()["cost_nano_usd"]
    found = put(admin, f"user:{me(api)}", limit_usd="1", period="day", time_zone="Asia/Kathmandu")
    assert (found["spent_nano_usd"], found["reserved_nano_usd"]) == (cost, 0)


def test_a_member_sets_the_budgets_of_their_sessions_and_no_others(api: Api, other: Api) -> None:
    session_id = api.session()
    assert api.put(f"/budgets/session:{session_id}", json=MUCH).status_code == 200
    assert other.put(f"/budgets/session:{session_id}", json=MUCH).status_code == 404
    assert other.delete(f"/budgets/session:{session_id}").status_code == 404
    assert api.put(f"/budgets/user:{me(api)}", json=MUCH).status_code == 403
    assert api.put("/budgets/all", json=MUCH).status_code == 403
    assert [one["scope"] for one in other.get("/budgets").json()["data"]] == []
    assert api.delete(f"/budgets/session:{session_id}").status_code == 204
    assert api.delete(f"/budgets/session:{session_id}").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"period": "total"}, "/limit_usd"),
        ({"limit_usd": "1", "limit_nano_usd": 1, "period": "total"}, "/limit_usd"),
        ({"limit_usd": "0.0000000001", "period": "total"}, "/limit_usd"),
        ({"limit_usd": "much", "period": "total"}, "/limit_usd"),
        ({"limit_usd": -1, "period": "total"}, "/limit_usd"),
        ({"limit_usd": "1", "period": "fortnight"}, "/period"),
        ({"limit_usd": "1", "period": "day", "time_zone": "Mars/Olympus"}, "/time_zone"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused_by_name(
    admin: Api, wrong: dict[str, Any], pointer: str
) -> None:
    answer = admin.put("/budgets/all", json=wrong)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


def test_a_budget_of_nothing_that_is_there_is_not_found(admin: Api) -> None:
    for scope in ("user:usr_none", "planet:mars", "session:", "everybody"):
        assert admin.put(f"/budgets/{scope}", json=MUCH).status_code == 404


def test_a_send_never_costs_more_than_it_may(api: Api, simulator: Simulator) -> None:
    session_id = api.session()
    for dollars in ("0.004", "0.01", 0.02):
        message = api.say(session_id, "[[reply: words=3000]]", max_cost_usd=dollars)
        receipt = api.get(f"/messages/{message['id']}/receipt").json()
        assert receipt["cost_nano_usd"] <= receipt["reserved_nano_usd"] <= float(dollars) * 1e9
        assert receipt["cost_nano_usd"] > 0.5 * float(dollars) * 1e9, "the room is used"
        (step,) = receipt["steps"]
        assert (step["step"], step["from"], step["to"]) == (
            "max_tokens",
            8192,
            last_asked(simulator)["max_tokens"],
        )
    refused = api.send_to(session_id, "Hello", max_cost_usd="0.000001")
    assert (refused.status_code, refused.json()["scope"]) == (402, "max_cost_usd")
    assert api.send_to(session_id, "Hello", max_cost_usd=-1).status_code == 422


def test_the_ladder_takes_the_rungs_that_the_settings_allow_in_their_order(
    variant: Callable[..., Api], admin: Api, simulator: Simulator
) -> None:
    api = variant(budget_ladder="max_tokens,effort,model", model="claude-opus-5-5")
    scope = f"user:{me(api)}"
    session_id = api.session()
    opus = greatest(api, session_id, "Hello", max_tokens=8_192)
    least = greatest(api, session_id, "Hello", max_tokens=256)
    brief = greatest(api, session_id, "Hello", max_tokens=128)

    def steps_with(limit: int) -> list[str]:
        put(admin, scope, limit_nano_usd=limit)
        plan = api.post(f"/sessions/{session_id}/preflight", json={"content": "Hello"}).json()
        assert plan["cost"]["greatest_nano_usd"] <= limit
        return [one["step"] for one in plan["steps"]]

    assert steps_with(opus) == []
    assert steps_with(least) == ["max_tokens"]
    assert steps_with(brief) == ["effort", "max_tokens"]
    assert steps_with(brief - 1) == ["model", "max_tokens"]
    message = api.say(session_id, "Hello")
    sent = last_asked(simulator)
    assert (sent["model"], message["model"]) == ("claude-haiku-5-5", "claude-haiku-5-5")
    steps = api.get(f"/messages/{message['id']}/receipt").json()["steps"]
    assert steps[0] == {"step": "model", "from": "claude-opus-5-5", "to": "claude-haiku-5-5"}
    assert steps[1] == {"step": "max_tokens", "from": 8_192, "to": sent["max_tokens"]}
    put(admin, scope, limit_nano_usd=1)
    assert api.send_to(session_id, "Hello").status_code == 402


def test_low_effort_is_asked_for_and_said(
    variant: Callable[..., Api], admin: Api, simulator: Simulator
) -> None:
    api = variant(budget_ladder="effort", model="claude-opus-5-5")
    session_id = api.session()
    put(admin, f"user:{me(api)}", limit_nano_usd=greatest(api, session_id, "Hello", max_tokens=200))
    message = api.say(session_id, "Hello")
    sent = last_asked(simulator)
    assert sent["output_config"] == {"effort": "low"}
    steps = api.get(f"/messages/{message['id']}/receipt").json()["steps"]
    assert steps[0] == {"step": "effort", "from": None, "to": "low"}
    assert message["context"]["max_tokens"] == sent["max_tokens"] < 8_192


def test_a_model_without_a_price_is_refused(api: Api) -> None:
    answer = api.send_to(api.session(), "Hello", model="somebody-elses-model")
    assert (answer.status_code, answer.json()["code"]) == (422, "model_not_priced")
