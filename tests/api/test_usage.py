"""Receipts, usage and the ledger over HTTP, on both databases: three tellings of the same sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import Api, text_of

CLASSES = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)


def receipt(api: Api, message: dict[str, Any]) -> dict[str, Any]:
    return dict(api.get(f"/messages/{message['id']}/receipt").json())


def usage(api: Api, query: str = "") -> dict[str, Any]:
    answer = api.get(f"/usage{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ledger(api: Api) -> list[dict[str, Any]]:
    return list(api.get("/ledger?limit=200").json()["data"])


def spent(entries: list[dict[str, Any]]) -> int:
    return sum(one["amount_nano_usd"] for one in entries if one["credit"] == "spent")


def test_a_receipt_says_what_was_used_and_what_it_cost(api: Api) -> None:
    message = api.say(api.session(system="Be brief. " * 400), "Hello")
    found = receipt(api, message)
    assert found["usage"] == message["usage"]
    assert (found["purpose"], found["status"], found["estimated"]) == ("message", "settled", False)
    assert found["model"] == message["model"]
    prices = next(one for one in api.get("/models").json()["data"] if one["id"] == message["model"])[
        "prices"
    ][0]
    classes = {name: prices[f"{name.removesuffix('_tokens')}_nano_usd"] for name in CLASSES}
    assert found["cost_nano_usd"] == sum(found["usage"][name] * price for name, price in classes.items())
    assert int(float(found["cost_usd"]) * 1e9 + 0.5) == found["cost_nano_usd"]
    assert found["price_version"]


def test_a_message_that_no_call_was_made_for_cost_nothing(api: Api, other: Api) -> None:
    answer = api.post("/messages", json={"content": "Hello"}).json()
    found = receipt(api, answer["user_message"])
    assert (found["cost_nano_usd"], found["cost_usd"], found["usage"]["prompt_tokens"]) == (0, "0", 0)
    assert other.get(f"/messages/{answer['message']['id']}/receipt").status_code == 404


def test_the_stream_tells_the_receipt_before_its_end(api: Api) -> None:
    events = api.events("/messages", content="Hello")
    told, done = events[-2:]
    assert (told.name, done.name) == ("colloquy.receipt", "colloquy.done")
    found = receipt(api, {"id": told.payload["message_id"]})
    assert {name: told.payload[name] for name in found} == found


def test_receipts_ledger_and_usage_say_the_same(api: Api) -> None:
    session_id = api.session()
    said = [api.say(session_id, f"Number {number}") for number in range(3)]
    said.append(api.say(session_id, "Once more", model="claude-haiku-5-5"))
    receipts = [receipt(api, one) for one in said]
    total = sum(one["cost_nano_usd"] for one in receipts)
    assert spent(ledger(api)) == total
    found = usage(api, "?group_by=model,purpose")
    assert found["total"]["cost_nano_usd"] == total
    assert found["total"]["calls"] == len(said)
    assert found["total"]["prompt_tokens"] == sum(one["usage"]["prompt_tokens"] for one in receipts)
    by_model = {one["model"]: one for one in found["data"]}
    assert by_model["claude-haiku-5-5"]["cost_nano_usd"] == receipts[-1]["cost_nano_usd"]
    assert {one["purpose"] for one in found["data"]} == {"message"}
    assert sum(one["calls"] for one in found["data"]) == len(said)


def test_usage_is_grouped_by_what_was_asked_for_and_of_the_time_asked_for(api: Api) -> None:
    session_id = api.session()
    api.say(session_id, "Hello")
    now = datetime.now(UTC)
    (row,) = usage(api, "?group_by=day,session,user")["data"]
    assert (row["day"], row["session_id"], row["user_id"]) == (
        f"{now:%Y-%m-%d}",
        session_id,
        api.get("/me").json()["id"],
    )
    soon = (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert usage(api, f"?from={soon}")["total"]["calls"] == 0
    assert usage(api, f"?to={soon}")["total"]["calls"] == 1
    assert usage(api)["data"] == [usage(api)["total"]]
    answer = api.get("/usage?group_by=day,planet")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/group_by")


def test_everybodys_usage_is_an_admins_to_see(api: Api, admin: Api) -> None:
    api.say(api.session(), "Hello")
    mine = api.get("/me").json()["id"]
    assert [one["user_id"] for one in usage(api, "?group_by=user")["data"]] == [mine]
    assert mine in {one["user_id"] for one in usage(admin, "?group_by=user")["data"]}
    assert usage(admin)["total"]["calls"] == 0, "by itself, one's own"


def test_every_movement_is_in_the_ledger_and_the_accounts_balance(api: Api, other: Api) -> None:
    message = api.say(api.session(), "Hello")
    entries = ledger(api)
    assert [one["kind"] for one in entries] == ["reserve", "settle", "release"]
    assert {one["message_id"] for one in entries} == {message["id"]}
    reserved = entries[0]["amount_nano_usd"]
    assert reserved == entries[1]["amount_nano_usd"] + entries[2]["amount_nano_usd"]
    first = api.get("/ledger?limit=1").json()
    rest = api.get(f"/ledger?cursor={first['next_cursor']}").json()
    assert [*first["data"], *rest["data"]] == entries
    assert ledger(other) == []


def test_an_answer_that_was_cut_is_billed_by_what_was_reported_and_an_estimate_of_the_rest(api: Api) -> None:
    session_id = api.session()
    api.send_to(session_id, "[[reply: words=200]] [[fault: cut after=60]]")
    message = api.path(session_id)[-1]
    found = receipt(api, message)
    assert (message["status"], found["status"], found["estimated"]) == ("failed", "settled", True)
    assert found["usage"]["input_tokens"] + found["usage"]["cache_write_5m_tokens"] > 0
    assert found["usage"]["output_tokens"] > 0.8 * len(text_of(message).split())
    assert found["cost_nano_usd"] > 0


def test_an_answer_that_claude_refused_costs_nothing_and_lets_its_reservation_go(api: Api) -> None:
    session_id = api.session()
    api.send_to(session_id, "[[fault: status=400]]")
    found = receipt(api, api.path(session_id)[-1])
    assert (found["status"], found["cost_nano_usd"], found["estimated"]) == ("released", 0, False)
    assert [one["kind"] for one in ledger(api)] == ["reserve", "release"]
    assert usage(api)["total"]["calls"] == 0


def test_money_outlives_what_it_was_spent_on(api: Api) -> None:
    session_id = api.session()
    message = api.say(session_id, "Hello")
    cost = receipt(api, message)["cost_nano_usd"]
    assert api.delete(f"/sessions/{session_id}").status_code in {200, 204}
    assert spent(ledger(api)) == usage(api)["total"]["cost_nano_usd"] == cost
    assert {one["message_id"] for one in ledger(api)} == {None}


def test_summaries_and_counts_are_charged_to_whom_they_are_made_for(api: Api) -> None:
    session_id = api.session(context={"budget_tokens": 1_500, "recall_tokens": 0})
    for number in range(8):
        api.say(session_id, f"Turn {number}. " + "It is heavy. " * 30)
    assert api.post(f"/sessions/{session_id}/compact", json={}).status_code == 200
    rows = {one["purpose"]: one for one in usage(api, "?group_by=purpose")["data"]}
    assert rows["summary"]["cost_nano_usd"] > 0
    assert spent(ledger(api)) == usage(api)["total"]["cost_nano_usd"]
    assert usage(api, "?group_by=session")["data"][0]["session_id"] == session_id
