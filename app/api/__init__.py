"""HTTP and nothing else: parse, call one service, answer. `access` is the table of who may call what."""

from __future__ import annotations

from flask import Flask

from app.api import (
    audit,
    contexts,
    docs,
    health,
    keys,
    me,
    messages,
    models,
    problems,
    requests,
    sessions,
    tokens,
    users,
    wiring,
)

BLUEPRINTS = (
    sessions.blueprint,
    contexts.blueprint,
    messages.blueprint,
    tokens.blueprint,
    models.blueprint,
    me.blueprint,
    keys.blueprint,
    users.blueprint,
    audit.blueprint,
    health.blueprint,
    docs.blueprint,
)


def register(app: Flask, version: str) -> None:
    """Give the app its routes, and what happens around them."""
    app.url_map.strict_slashes = False
    app.url_map.converters["id"] = wiring.IdConverter
    requests.register(app)
    problems.register(app)
    api = wiring.make_api(app, version)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    wiring.finish(api)
    docs.bind(app, api.spec.to_dict())
