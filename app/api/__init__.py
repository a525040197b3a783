"""HTTP and nothing else: parse, call one service, answer. `access` is the table of who may call what."""

from __future__ import annotations

from flask import Flask

from app.api import (
    audit,
    budgets,
    contexts,
    docs,
    health,
    keys,
    me,
    messages,
    metrics,
    models,
    prices,
    problems,
    requests,
    sessions,
    tokens,
    tools,
    traces,
    usage,
    users,
    wiring,
)
from config import Config

BLUEPRINTS = (
    sessions.blueprint,
    contexts.blueprint,
    messages.blueprint,
    tools.blueprint,
    traces.blueprint,
    tokens.blueprint,
    models.blueprint,
    me.blueprint,
    keys.blueprint,
    users.blueprint,
    usage.blueprint,
    budgets.blueprint,
    prices.blueprint,
    audit.blueprint,
    metrics.blueprint,
    health.blueprint,
    docs.blueprint,
)


def register(app: Flask, version: str, config: Config) -> None:
    """Give the app its routes, and what happens around them."""
    app.url_map.strict_slashes = False
    app.url_map.converters["id"] = wiring.IdConverter
    requests.register(app, config)
    problems.register(app)
    api = wiring.make_api(app, version)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    wiring.finish(api)
    docs.bind(app, api.spec.to_dict())
