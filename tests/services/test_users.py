"""The first admin."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from app.services import users
from app.services.identity import identify
from config import Config
from tests.conftest import made

KEY = "clq_" + "k" * 40


def test_the_first_admin_is_made_once_and_the_key_is_shown_once(app: Flask, people: None) -> None:
    with app.app_context():
        secret = users.ensure_admin()
        assert secret
        assert identify(secret).role == "admin"
        assert users.ensure_admin() is None


def test_a_given_key_is_the_admins_and_never_shown(config: Config, app: Flask, people: None) -> None:
    with made(replace(config, admin_key=KEY)) as given, given.app_context():
        assert users.ensure_admin() is None
        assert users.ensure_admin() is None
        assert identify(KEY).role == "admin"
        assert len(users.keys_of("admin")) == 1


def test_a_key_is_kept_as_a_hash_and_a_short_prefix(app: Flask, people: None) -> None:
    with app.app_context():
        key, secret = users.add_key(users.add("Ada").id, "test")
    assert secret.startswith(key.prefix)
    assert len(key.prefix) < len(secret) / 3
    assert secret not in {str(value) for value in vars(key).values()}
