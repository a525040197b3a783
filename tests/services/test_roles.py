"""Roles and scopes: a key narrows a role and never widens it."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from app.models.users import ROLES as ROLES_OF_PEOPLE
from app.services.roles import ADMIN, ROLES, SCOPES, Scope, granted, ordered


def test_every_role_of_a_person_has_its_scopes_and_every_scope_says_what_it_is() -> None:
    assert set(ROLES) == set(ROLES_OF_PEOPLE)
    assert tuple(SCOPES) == get_args(Scope)


def test_a_viewer_only_reads_a_member_does_all_with_their_own_and_an_admin_more() -> None:
    assert all(one.endswith(":read") for one in ROLES["viewer"])
    assert ROLES["viewer"] < ROLES["member"] < ROLES["admin"]
    assert ROLES["admin"] - ROLES["member"] == {ADMIN}


@given(st.sampled_from(list(ROLES)), st.none() | st.lists(st.sampled_from([*SCOPES, "king", ""])))
def test_a_key_has_no_scope_that_its_role_lacks_nor_one_it_was_not_given(
    role: str, narrowed: list[str] | None
) -> None:
    assert granted(role, narrowed) == {
        one for one in SCOPES if one in ROLES[role] and (narrowed is None or one in narrowed)
    }


@given(st.lists(st.sampled_from(list(SCOPES))))
def test_scopes_stand_in_one_order_each_once(scopes: list[str]) -> None:
    assert ordered(scopes) == [one for one in SCOPES if one in scopes]
