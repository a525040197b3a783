"""The admin commands, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from tests.support import Api

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, people: None) -> Run:
    def command(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["admin", *words])

    return command


def secret_in(output: str) -> str:
    found = re.search(r"clq_[\w-]{43}", output)
    assert found, output
    return found[0]


def test_a_person_is_added_with_a_key_that_works_until_it_is_revoked(run: Run, server_url: str) -> None:
    made = run("user", "add", "Grace", "--role", "admin")
    assert made.exit_code == 0, made.output
    second = run("key", "add", "Grace", "--name", "laptop")
    with Api(base_url=server_url, headers={"Authorization": f"Bearer {secret_in(second.output)}"}) as access:
        assert access.get("/sessions").status_code == 200
        revoked = run("key", "revoke", second.output.split()[0])
        assert revoked.exit_code == 0
        assert access.get("/sessions").status_code == 401
    listed = run("key", "list", "Grace").output
    assert "revoked" in listed
    assert "laptop" in listed
    assert secret_in(made.output) not in listed
    assert "Grace" in run("user", "list").output


def test_a_key_may_be_narrowed_and_given_an_end(run: Run, server_url: str) -> None:
    run("user", "add", "Grace", "--role", "admin")
    words = ("--scope", "sessions:read", "--scope", "admin", "--expires", "2099-12-31")
    made = run("key", "add", "Grace", *words)
    assert made.exit_code == 0, made.output
    with Api(base_url=server_url, headers={"Authorization": f"Bearer {secret_in(made.output)}"}) as access:
        me = access.get("/me").json()
    assert me["scopes"] == ["sessions:read", "admin"]
    assert me["key"]["expires_at"] == "2099-12-31T00:00:00Z"
    listed = run("key", "list", "Grace").output
    assert "valid until 2099-12-31 00:00  key (sessions:read, admin)" in listed
    assert "valid  first key (all of the role)" in listed


def test_a_role_is_changed_by_name_or_id_but_not_of_the_last_admin(run: Run, server_url: str) -> None:
    made = run("user", "add", "Grace", "--role", "admin")
    header = {"Authorization": f"Bearer {secret_in(made.output)}"}
    refused = run("user", "role", "Grace", "member")
    assert refused.exit_code == 1
    assert refused.output == "Error: This is the only admin: make somebody else one before.\n"
    second = run("user", "add", "Ada").output.split()[0]
    assert run("user", "role", second, "admin").exit_code == 0
    assert "Grace (viewer)" in run("user", "role", "Grace", "viewer").output
    with Api(base_url=server_url, headers=header) as access:
        assert access.post("/sessions", json={}).status_code == 403


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "X", "--role", "king"),
        ("user", "role", "Nobody", "admin"),
        ("key", "add", "Nobody"),
        ("key", "revoke", "key_x"),
        ("key", "list", "Nobody"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


def test_a_key_cannot_be_given_more_than_the_role_nor_an_end_in_the_past(run: Run) -> None:
    run("user", "add", "Sam")
    refused = run("key", "add", "Sam", "--scope", "admin")
    assert refused.exit_code == 1
    assert "no more than its owner's role" in refused.output
    assert run("key", "add", "Sam", "--expires", "2020-01-01").exit_code == 1
    assert run("key", "add", "Sam", "--scope", "king").exit_code == 2


def test_two_of_one_name_are_told_apart_by_id(run: Run) -> None:
    first = run("user", "add", "Sam").output.split()[0]
    run("user", "add", "Sam")
    assert "Several people" in run("key", "add", "Sam").output
    assert run("key", "add", first).exit_code == 0
