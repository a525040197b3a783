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


@pytest.mark.parametrize(
    "words",
    [
        ("user", "add", "X", "--role", "king"),
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


def test_two_of_one_name_are_told_apart_by_id(run: Run) -> None:
    first = run("user", "add", "Sam").output.split()[0]
    run("user", "add", "Sam")
    assert "Several people" in run("key", "add", "Sam").output
    assert run("key", "add", first).exit_code == 0
