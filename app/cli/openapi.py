"""`flask openapi-files`: the OpenAPI document and what is made from it: a Postman collection, access.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli import access

DOCS = Path(__file__).resolve().parents[2] / "docs"
POSTMAN_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
METHODS = ("get", "post", "put", "patch", "delete")
# What Postman keeps from one answer for the next request.
REMEMBER = """const body = pm.response.json();
if (pm.response.code === 201) {
  const names = { ses: "session_id", msg: "message_id", key: "key_id", usr: "user_id" };
  const message = body.message || {};
  for (const id of [body.id, message.session_id, message.id]) {
    if (id) { pm.collectionVariables.set(names[id.split("_")[0]], id); }
  }
}"""


@click.command("openapi-files")
@with_appcontext
def openapi_files() -> None:
    """Write docs/openapi.json, docs/postman.json and docs/access.md anew."""
    for name, content in made(current_app.extensions["colloquy.openapi"]).items():
        (DOCS / name).write_text(content)
        click.echo(f"docs/{name}")


def made(document: dict[str, Any]) -> dict[str, str]:
    """The files' names and contents."""
    files = {"openapi.json": document, "postman.json": as_postman(document)}
    texts = {name: json.dumps(value, ensure_ascii=False, indent=2) + "\n" for name, value in files.items()}
    return {**texts, "access.md": access.as_markdown(operations_of(document))}


def as_postman(document: dict[str, Any]) -> dict[str, Any]:
    """A Postman collection (v2.1): a folder for each tag, a request for each operation."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for method, path, operation in operations_of(document):
        folders.setdefault(operation["tags"][0], []).append(_item(method, path, operation))
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": POSTMAN_SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{key}}", "type": "string"}]},
        "variable": [
            {"key": "address", "value": "http://127.0.0.1:8000"},
            {"key": "key", "value": "clq_your_key"},
            *(
                {"key": name, "value": ""}
                for name in ("session_id", "message_id", "key_id", "user_id", "trace_id")
            ),
        ],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every (method, path, operation), in the order of the document."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                yield method, path, operations[method]


def _item(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "url": _url(path, operation),
    }
    if not operation.get("security"):
        request["auth"] = {"type": "noauth"}
    for type_, body in operation.get("requestBody", {}).get("content", {}).items():
        request["header"] = [{"key": "Content-Type", "value": type_}]
        request["body"] = {"mode": "raw", "raw": postman_body(body["example"])}
    item: dict[str, Any] = {"name": operation["summary"], "request": request}
    if "201" in operation["responses"]:
        script = {"type": "text/javascript", "exec": REMEMBER.split("\n")}
        item["event"] = [{"listen": "test", "script": script}]
    return item


def _url(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    filled = path.replace("{", "{{").replace("}", "}}")
    query = [
        {
            "key": one["name"],
            "value": str(one["schema"].get("default", "")),
            "description": one.get("description", ""),
            "disabled": not one.get("required", False),
        }
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    ]
    url: dict[str, Any] = {
        "raw": "{{address}}" + filled,
        "host": ["{{address}}"],
        "path": filled.strip("/").split("/"),
    }
    return {**url, "query": query} if query else url


def postman_body(example: dict[str, Any]) -> str:
    """An example with the collection's variables for the ids in it."""
    filled = {name: f"{{{{{name}}}}}" if name == "message_id" else value for name, value in example.items()}
    return json.dumps(filled, indent=2)
