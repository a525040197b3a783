"""HTTP and nothing else: parse, call one service, answer. Here is the table of who may call what."""

from __future__ import annotations

from flask import Flask

from app.api import (
    budgets,
    contexts,
    docs,
    health,
    messages,
    models,
    prices,
    problems,
    requests,
    sessions,
    tokens,
    usage,
    wiring,
)

NOBODY, ANYBODY_WITH_A_KEY = "no key", "any key"
TABLE = (
    (sessions.blueprint, ANYBODY_WITH_A_KEY),
    (contexts.blueprint, ANYBODY_WITH_A_KEY),
    (messages.blueprint, ANYBODY_WITH_A_KEY),
    (tokens.blueprint, ANYBODY_WITH_A_KEY),
    (models.blueprint, ANYBODY_WITH_A_KEY),
    (usage.blueprint, ANYBODY_WITH_A_KEY),
    (budgets.blueprint, ANYBODY_WITH_A_KEY),
    (prices.blueprint, ANYBODY_WITH_A_KEY),
    (health.blueprint, NOBODY),
    (docs.blueprint, NOBODY),
)


def register(app: Flask, version: str) -> None:
    """Give the app its routes, and what happens around them."""
    public = {blueprint.name for blueprint, who in TABLE if who == NOBODY}
    app.url_map.strict_slashes = False
    app.url_map.converters["id"] = wiring.IdConverter
    requests.register(app, public)
    problems.register(app)
    api = wiring.make_api(app, version)
    for blueprint, _ in TABLE:
        api.register_blueprint(blueprint)
    wiring.finish(api, public)
    docs.bind(app, api.spec.to_dict())
