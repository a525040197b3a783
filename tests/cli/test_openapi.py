"""The committed files are what the code makes, and Postman can use them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from app.cli.openapi import DOCS, as_postman, made, operations_of


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return dict(app.extensions["colloquy.openapi"])


def test_the_files_are_up_to_date(document: dict[str, Any]) -> None:
    for name, content in made(document).items():
        assert (DOCS / name).read_text() == content, "run `make postman`"


def test_every_operation_is_a_request(document: dict[str, Any]) -> None:
    items = [item for folder in as_postman(document)["item"] for item in folder["item"]]
    found = {(item["request"]["method"].lower(), item["request"]["url"]["raw"]) for item in items}
    wanted = {
        (method, "{{address}}" + path.replace("{", "{{").replace("}", "}}"))
        for method, path, _ in operations_of(document)
    }
    assert found == wanted
    bodies = [json.loads(one["request"]["body"]["raw"]) for one in items if "body" in one["request"]]
    assert all(isinstance(one, dict) for one in bodies)


def test_only_public_routes_go_without_the_key(document: dict[str, Any]) -> None:
    collection = as_postman(document)
    assert collection["auth"]["bearer"][0]["value"] == "{{key}}"
    public = {
        folder["name"]
        for folder in collection["item"]
        for item in folder["item"]
        if "auth" in item["request"]
    }
    assert public == {"health", "docs"}
