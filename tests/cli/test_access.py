"""docs/access.md says what the code does."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from app.api import access
from app.cli.openapi import DOCS, made
from app.services.roles import ROLES, SCOPES


@pytest.fixture
def page() -> str:
    return (DOCS / "access.md").read_text()


def test_the_page_is_up_to_date(app: Flask, page: str) -> None:
    assert page == made(app.extensions["colloquy.openapi"])["access.md"], "run `make postman`"


def test_its_table_of_roles_is_that_of_the_code(page: str) -> None:
    heads = re.search(r"^\| scope \| (.+?) \| \|$", page, re.MULTILINE)
    assert heads
    roles = heads[1].split(" | ")
    assert roles == list(ROLES)
    for scope in SCOPES:
        row = re.search(rf"^\| `{scope}` \|(.+)$", page, re.MULTILINE)
        assert row, scope
        cells = [one.strip() for one in row[1].split("|")]
        may = {role for role, cell in zip(roles, cells, strict=False) if cell == "yes"}
        assert may == {role for role in ROLES if scope in ROLES[role]}, scope


def test_its_table_of_routes_is_that_of_the_code(page: str) -> None:
    rows = re.findall(r"^\| `[A-Z]+ /\S*` \| (.+) \|$", page, re.MULTILINE)
    said = {access.PUBLIC: "no key", access.ANY_KEY: "any key"}
    wanted = [said.get(one, f"`{one}`") for one in access.TABLE.values()]
    assert sorted(rows) == sorted(wanted)
