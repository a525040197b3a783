"""Prices that admins set, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import Api

MODEL = "claude-of-tomorrow"
NANO = {
    "input_nano_usd": 2_000,
    "cache_read_nano_usd": 100,
    "cache_write_5m_nano_usd": 2_500,
    "cache_write_1h_nano_usd": 4_000,
    "output_nano_usd": 10_000,
}
USD = {
    "input_usd_per_million": "2",
    "cache_read_usd_per_million": "0.1",
    "cache_write_5m_usd_per_million": "2.500",
    "cache_write_1h_usd_per_million": 4,
    "output_usd_per_million": "10.0",
}


@pytest.fixture(autouse=True)
def unset(admin: Api) -> Iterator[None]:
    """Takes back what a test has set."""
    yield
    for one in admin.get("/prices?limit=200").json()["data"]:
        assert admin.delete(f"/prices/{one['model']}").status_code == 204


def put(access: Api, model: str, **body: Any) -> Any:
    return access.put(f"/prices/{model}", json=body)


@pytest.mark.parametrize("body", [NANO, USD, {**dict(list(NANO.items())[:3]), **dict(list(USD.items())[3:])}])
def test_a_price_is_set_in_either_unit_and_shown_in_both(admin: Api, body: dict[str, Any]) -> None:
    answer = put(admin, MODEL, **body)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert {name: said[name] for name in NANO} == NANO
    shown = {
        "input": "2",
        "cache_read": "0.1",
        "cache_write_5m": "2.5",
        "cache_write_1h": "4",
        "output": "10",
    }
    assert {name: said[f"{name}_usd_per_million"] for name in shown} == shown
    assert (said["web_search_nano_usd"], said["web_search_usd"]) == (10_000_000, "0.01")
    assert (said["model"], said["version"]) == (MODEL, f"admin {said['updated_at']}")
    assert admin.get("/prices").json()["data"] == [said]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"input_nano_usd": None}, "/input_nano_usd"),
        ({"input_nano_usd": -1}, "/input_nano_usd"),
        ({"input_nano_usd": 1.5}, "/input_nano_usd"),
        ({"input_nano_usd": "2000"}, "/input_nano_usd"),
        ({"input_nano_usd": 10**12}, "/input_nano_usd"),
        ({"input_usd_per_million": "2"}, "/input_usd_per_million"),
        ({"web_search_nano_usd": -1}, "/web_search_nano_usd"),
        ({"fast_nano_usd": 5}, "/fast_nano_usd"),
    ],
)
def test_a_wrong_price_is_refused_where_it_is_wrong(admin: Api, change: dict[str, Any], pointer: str) -> None:
    answer = put(admin, MODEL, **{**NANO, **change})
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert admin.get("/prices").json()["data"] == []


@pytest.mark.parametrize(
    "odd", ["0.0625", "2.0001", "-1", "ten", "", "NaN", "inf", "1e999999999", "10001", True, [2], None]
)
def test_dollars_that_are_no_whole_nano_usd_a_token_are_refused(admin: Api, odd: Any) -> None:
    answer = put(admin, MODEL, **{**USD, "cache_read_usd_per_million": odd})
    assert answer.status_code == 422, answer.text
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/cache_read_usd_per_million"]


def test_every_class_needs_its_price(admin: Api) -> None:
    pointers = {one["pointer"] for one in put(admin, MODEL).json()["errors"]}
    assert pointers == {f"/{name}" for name in USD}


def test_a_price_makes_a_model_usable_and_its_end_makes_it_refused(admin: Api) -> None:
    model = "claude-nobody-prices"
    refused = admin.post("/messages", json={"content": "Hello", "model": model})
    assert (refused.status_code, refused.json()["code"]) == (422, "model_not_priced")
    assert f"PUT /prices/{model}" in refused.json()["detail"]
    put(admin, model, **NANO)
    asked = admin.post("/messages", json={"content": "Hello", "model": model})
    assert asked.json()["code"] == "model_not_found", "it is asked for, and Claude doesn't know it"
    assert admin.delete(f"/prices/{model}").status_code == 204
    again = admin.post("/messages", json={"content": "Hello", "model": model})
    assert again.json()["code"] == "model_not_priced"
    assert admin.delete(f"/prices/{model}").status_code == 404


def test_a_message_costs_what_the_admin_has_set(admin: Api) -> None:
    version = put(admin, "claude-simulator-8k", **{**NANO, "input_nano_usd": 7}).json()["version"]
    message = admin.say(admin.session(model="claude-simulator-8k"), "Hello")
    receipt = admin.get(f"/messages/{message['id']}/receipt").json()
    used = message["usage"]
    expected = sum(
        used[f"{name}_tokens"] * price
        for name, price in {"input": 7, "cache_read": 100, "cache_write_5m": 2_500, "output": 10_000}.items()
    )
    assert expected > 0
    assert (receipt["cost_nano_usd"], receipt["price_version"]) == (expected, version)


def test_the_list_of_models_shows_what_was_set(admin: Api) -> None:
    put(admin, "claude-opus-5-5", **NANO)
    opus = next(one for one in admin.get("/models").json()["data"] if one["id"] == "claude-opus-5-5")
    assert opus["price_version"].startswith("admin ")
    assert [one["input_nano_usd"] for one in opus["prices"]] == [2_000]
    assert opus["fast_prices"] == []


def test_names_may_be_those_of_other_servers(admin: Api) -> None:
    for name in ("vendor/model:free", "a b", "ü@1", "x" * 200):
        assert put(admin, name, **NANO).json()["model"] == name
    assert put(admin, "x" * 201, **NANO).status_code == 422
    assert put(admin, "a%00b", **NANO).status_code == 404
    assert len(admin.get("/prices").json()["data"]) == 4


def test_nobody_but_an_admin_sees_or_sets_prices(api: Api, admin: Api) -> None:
    answers = [api.get("/prices"), put(api, MODEL, **NANO), api.delete(f"/prices/{MODEL}")]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(403, "scope_missing")] * 3
    assert admin.get("/prices").json()["data"] == []
