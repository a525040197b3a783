"""/users: people, for admins; there is always one admin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import Answer, Api, CountRows


def made(admin: Api, **values: Any) -> dict[str, Any]:
    answer = admin.post("/users", json={"name": "Eve", **values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_person_is_made_read_changed_and_deleted(admin: Api) -> None:
    answer = admin.post("/users", json={"name": "Eve", "role": "viewer", "email": "eve@example.com"})
    eve = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/users/{eve['id']}")
    assert eve.keys() == {"id", "name", "email", "role", "created_at"}
    address = answer.headers["Location"]
    assert admin.get(address).json() == eve
    changed = admin.patch(address, json={"role": "member", "email": None}).json()
    assert changed == {**eve, "role": "member", "email": None}
    assert admin.patch(address, json={}).json() == changed
    assert admin.delete(address).status_code == 200
    for gone in (admin.get(address), admin.patch(address, json={"name": "a"}), admin.delete(address)):
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_a_person_is_a_member_where_nothing_else_is_said(admin: Api) -> None:
    assert made(admin)["role"] == "member"


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"role": "king"}, "/role"),
        ({"role": None}, "/role"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"email": "nobody"}, "/email"),
        ({"email": "a@b.example\n"}, "/email"),
        ({"email": "a" * 320 + "@example.com"}, "/email"),
        ({"id": "usr_mine"}, "/id"),
    ],
)
def test_what_a_person_cannot_be_is_refused_by_name(
    admin: Api, count_rows: CountRows, values: dict[str, Any], pointer: str
) -> None:
    address, before = f"/users/{made(admin)['id']}", count_rows()
    for answer in (
        admin.post("/users", json={"name": "Eve", **values}),
        admin.patch(address, json=values),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert count_rows() == before


def test_everybody_is_listed_by_pages(admin: Api) -> None:
    ids = {admin.get("/me").json()["id"], *(made(admin)["id"] for _ in range(4))}
    first = admin.get("/users?limit=3").json()
    rest = admin.get(f"/users?limit=3&cursor={first['next_cursor']}").json()
    found = [one["id"] for one in [*first["data"], *rest["data"]]]
    assert found == sorted(ids, reverse=True)
    assert not rest["has_more"]
    asc = admin.get("/users?order=asc").json()["data"]
    assert [one["id"] for one in asc] == found[::-1]


def test_a_repeated_request_makes_one_person(admin: Api, count_rows: CountRows) -> None:
    header, body = {"Idempotency-Key": "once"}, {"name": "Eve", "role": "viewer"}
    first = admin.post("/users", json=body, headers=header)
    before = count_rows()
    second = admin.post("/users", json=body, headers=header)
    assert second.content == first.content
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count_rows() == before
    reused = admin.post("/users", json={"name": "Bob"}, headers=header)
    assert reused.json()["code"] == "idempotency_key_reused"


def test_the_same_request_sent_many_times_at_once_makes_one_person(admin: Api) -> None:
    answers, begun = list[Answer](), threading.Barrier(6)

    def make() -> None:
        begun.wait(10)
        answers.append(admin.post("/users", json={"name": "Eve"}, headers={"Idempotency-Key": "k"}))

    threads = [threading.Thread(target=make, daemon=True) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert len({one.json()["id"] for one in answers}) == 1
    assert sum("Idempotent-Replayed" not in one.headers for one in answers) == 1


def test_the_last_admin_stays_one(admin: Api) -> None:
    address = f"/users/{admin.get('/me').json()['id']}"
    for answer in (admin.delete(address), admin.patch(address, json={"role": "member"})):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_admin")
    assert admin.patch(address, json={"role": "admin", "name": "Boss"}).status_code == 200
    made(admin, role="admin")
    assert admin.patch(address, json={"role": "member"}).status_code == 200
    assert admin.get("/users").status_code == 403


def test_of_two_admins_who_demote_each_other_at_once_one_is_left(knock: Callable[..., Api]) -> None:
    both = [knock("A", "admin"), knock("B", "admin")]
    addresses = [f"/users/{one.get('/me').json()['id']}" for one in both]
    statuses = list[int]()

    def demote_other(at: int, begun: threading.Barrier) -> None:
        begun.wait(10)
        statuses.append(both[at].patch(addresses[1 - at], json={"role": "member"}).status_code)

    for _ in range(8):
        statuses.clear()
        begun = threading.Barrier(2)
        threads = [threading.Thread(target=demote_other, args=(at, begun), daemon=True) for at in range(2)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
        assert sorted(statuses) in ([200, 403], [200, 409])
        (left,) = [one for one in both if one.get("/users").status_code == 200]
        assert left.patch(addresses[left is both[0]], json={"role": "admin"}).status_code == 200


def test_whoever_is_deleted_is_gone_with_everything_of_theirs(
    admin: Api, api: Api, count_rows: CountRows
) -> None:
    before = count_rows()
    session_id = api.session()
    api.say(session_id, "Hello")
    api.post("/keys", json={"name": "k"})
    user_id = api.get("/me").json()["id"]
    receipt = admin.delete(f"/users/{user_id}").json()
    assert receipt["id"] == user_id
    assert (receipt["erased"]["sessions"], receipt["erased"]["messages"], receipt["erased"]["keys"]) == (
        1,
        2,
        2,
    )
    assert api.get("/me").status_code == 401
    left = count_rows()
    kept = {"audit_entries", "charges", "ledger_entries", "rate_counters"}
    fewer = {"users": before["users"] - 1, "api_keys": before["api_keys"] - 1}
    expected = {**before, **fewer}
    assert {name: left[name] for name in left if name not in kept} == {
        name: expected[name] for name in expected if name not in kept
    }
