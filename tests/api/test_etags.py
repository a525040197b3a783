"""If-Match in every form that HTTP knows, on PATCH and DELETE."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import Answer, Api

Act = Callable[..., Answer]
ACTS: dict[str, Act] = {
    "patch": lambda api, address, **kwargs: api.patch(address, json={"title": "B"}, **kwargs),
    "delete": lambda api, address, **kwargs: api.delete(address, **kwargs),
}


@pytest.fixture(params=sorted(ACTS))
def act(request: pytest.FixtureRequest) -> Act:
    return ACTS[request.param]


def versions(api: Api) -> tuple[str, str, str]:
    """A session's address, an old ETag of it, and the current one."""
    address = f"/sessions/{api.session()}"
    old = api.get(address).headers["ETag"]
    return address, old, api.patch(address, json={"title": "A"}).headers["ETag"]


@pytest.mark.parametrize("form", ["{current}", "*", '"x", {current}', "{old},{current}", '{current} , "y"'])
def test_the_current_version_may_be_named_in_many_ways(api: Api, act: Act, form: str) -> None:
    address, old, current = versions(api)
    answer = act(api, address, headers={"If-Match": form.format(old=old, current=current)})
    assert answer.status_code in {200, 204}, answer.text


@pytest.mark.parametrize(
    "form", ["{old}", '"x"', "W/{current}", '{old}, W/{current}, "y"', "", '"*"', "nonsense"]
)
def test_another_version_a_weak_one_or_none_at_all_changes_nothing(api: Api, act: Act, form: str) -> None:
    address, old, current = versions(api)
    answer = act(api, address, headers={"If-Match": form.format(old=old, current=current)})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert answer.headers["ETag"] == current
    now = api.get(address)
    assert (now.headers["ETag"], now.json()["title"]) == (current, "A")


def test_a_session_that_is_not_there_is_not_found_whatever_is_matched(api: Api, act: Act) -> None:
    for headers in ({}, {"If-Match": "*"}, {"If-Match": '"x"'}):
        assert act(api, "/sessions/ses_x", headers=headers).status_code == 404


def test_etags_of_every_answer_agree(api: Api) -> None:
    made: Any = api.post("/sessions", json={})
    address = made.headers["Location"]
    assert made.headers["ETag"] == api.get(address).headers["ETag"]
    message = api.say(made.json()["id"], "Hello")
    one = api.get(f"/messages/{message['id']}")
    assert one.headers["ETag"] == api.get(f"/messages/{message['id']}").headers["ETag"]
    assert one.headers["ETag"] != api.get(address).headers["ETag"]
