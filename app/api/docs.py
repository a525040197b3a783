"""The API's own description: /openapi.json, and /docs to read it, served from our own files."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from flask import Flask, Response, current_app, render_template
from markupsafe import Markup, escape

from app.api.wiring import Blueprint

blueprint = Blueprint("docs", __name__, description="This description.", template_folder="templates")
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
METHODS = ("get", "post", "put", "patch", "delete")


def bind(app: Flask, document: dict[str, Any]) -> None:
    """Keep the document that was made from the schemas."""
    app.extensions["colloquy.openapi"] = document


@blueprint.get("/openapi.json")
@blueprint.answers(200, content_type="application/json", description="The OpenAPI document.")
def openapi_json() -> Any:
    """Get this API as an OpenAPI 3.1 document."""
    document = json.dumps(current_app.extensions["colloquy.openapi"], ensure_ascii=False, indent=2)
    return Response(document, content_type="application/json")


@blueprint.get("/docs")
@blueprint.answers(200, content_type="text/html", description="The page.")
def page() -> Any:
    """Read this API as a page."""
    document = cast(dict[str, Any], current_app.extensions["colloquy.openapi"])
    tools = {"groups": by_tag(document), "shown": shown, "coded": coded, "resolve": resolver(document)}
    html = render_template("docs.html", document=document, **tools)
    return Response(
        html, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": PAGE_POLICY}
    )


def coded(text: str) -> Markup:
    """Text as HTML, what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def by_tag(document: dict[str, Any]) -> dict[str, list[tuple[str, str, dict[str, Any]]]]:
    """Tag → (method, path, operation), in the order of the document."""
    groups: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                groups.setdefault(operations[method]["tags"][0], []).append(
                    (method, path, operations[method])
                )
    return groups


def resolver(document: dict[str, Any]) -> Any:
    """Follows a $ref to its schema."""

    def resolve(schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return schema

    return resolve


def shown(schema: dict[str, Any]) -> str:
    """A schema in a word or two."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return " or ".join(shown(one) for one in schema[word])
    if schema.get("type") == "array":
        return f"list of {shown(schema.get('items', {}))}"
    if "title" in schema:
        return str(schema["title"])
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
