"""Who somebody is, by what the token claims."""

from __future__ import annotations

from typing import Any

import pytest

from app.oidc.persons import Person, person_of

ROLES = {"staff": "admin", "guests": "viewer", "crew": "member"}


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ada L", "preferred_username": "ada", "email": "a@x.org"}, "Ada L"),
        ({"name": " ", "preferred_username": "ada"}, "ada"),
        ({"name": 7, "email": "a@x.org"}, "a@x.org"),
        ({"name": "A\0d\ud800a\n"}, "Ada"),
        ({"name": "x" * 300}, "x" * 200),
        ({}, None),
    ],
)
def test_the_name_is_the_first_that_is_given_as_far_as_it_can_be_shown(
    claims: dict[str, Any], name: str | None
) -> None:
    assert person_of({"sub": "1", **claims}, "", {}).name == name


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("staff", "admin"),
        ("guests", "viewer"),
        (["guests", "staff"], "admin"),
        (["guests", "crew"], "member"),
        (["guests", "others"], "viewer"),
        (["others"], "member"),
        ([["staff"], {"staff": 1}, 7, None], "member"),
        ("Staff", "member"),
        ({"staff": True}, "member"),
        (None, "member"),
    ],
)
def test_the_role_is_the_highest_that_a_value_means_and_else_member(groups: Any, role: str) -> None:
    assert person_of({"sub": "1", "groups": groups}, "groups", ROLES).role == role


@pytest.mark.parametrize(
    "claims",
    [{"realm_access": {"roles": ["staff"]}}, {"realm_access.roles": "staff"}],
)
def test_a_claim_may_lie_within_another(claims: dict[str, Any]) -> None:
    assert person_of({"sub": "1", **claims}, "realm_access.roles", ROLES).role == "admin"
    assert person_of({"sub": "1", "realm_access": "staff"}, "realm_access.roles", ROLES).role == "member"


def test_without_a_claim_in_the_settings_nothing_is_said_of_the_role() -> None:
    assert person_of({"sub": "1", "groups": ["staff"]}, "", ROLES) == Person("1", None, None, None)


def test_what_is_said_is_what_is_there() -> None:
    assert Person("1", None, "a@x.org", "viewer").said == {"email": "a@x.org", "role": "viewer"}
