"""Colloquy: create_app is the only place that knows every part."""

from __future__ import annotations

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from app import api, cli, extensions
from app.claude import client
from app.claude.client import Address, Claude, Patience
from app.claude.retries import Policy
from app.services import health, leases, logs, toolboxes, turns
from app.telemetry import logging, metrics, otel, tracing
from app.telemetry.redaction import Redactor
from config import VERSION, Config


class KeptOrder(DefaultJSONProvider):
    """JSON whose keys stay in their order: Claude's signatures depend on it."""

    sort_keys = False
    ensure_ascii = False


def create_app(config: Config | None = None) -> Flask:
    """The app with these settings, or with those of the environment. It talks to nobody until asked."""
    config = config or Config.from_environ()
    logging.configure(config.log_format, config.log_level, Redactor(config.secrets))
    tracing.watch(metrics.watch_tools)
    app = Flask(__name__, static_folder=None)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=config.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=extensions.engine_options(config),
        MAX_CONTENT_LENGTH=config.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=config.max_body_bytes,
    )
    app.json = KeptOrder(app)
    parts = extensions.bind(app, config, make_claude(config))
    logs.bind(parts)
    toolboxes.bind(parts)
    api.register(app, VERSION, config)
    cli.register(app)
    return app


def warm_up() -> None:
    """What the processes of a server have in common, before there is any but the first."""
    client.warm_up()


def start(app: Flask) -> None:
    """What a process does before it serves: connect, end what dead processes left, watch over its turns.

    Raises DatabaseUnavailable where the schema is not the one this server was made for.
    """
    with app.app_context():
        health.check_database()
        mirror_traces(extensions.parts())
        extensions.claude().connect()
        toolboxes.load(extensions.parts())
        leases.recover()
        leases.keep_watch()


def drain(app: Flask, most_seconds: float) -> None:
    """What a process does before it ends: begin nothing, and let its answers end, or interrupt them."""
    with app.app_context():
        turns.drain(most_seconds)
        mirror, extensions.parts().mirror = extensions.parts().mirror, None
        if mirror:
            mirror.close()
        extensions.parts().tools.close()


def mirror_traces(parts: extensions.Parts) -> None:
    """Export traces where OpenTelemetry's variables ask for it; only in a process that serves."""
    of = parts.config
    wish = otel.Wish(
        of.otel_disabled, of.otel_exporter, of.otel_endpoint, of.otel_traces_endpoint, of.otel_content
    )
    parts.mirror = otel.mirrored(wish, parts.redactor, VERSION)
    if parts.mirror:
        parts.claude.trace_with(otel.for_claude(parts.mirror, wish))


def make_claude(config: Config) -> Claude:
    """Claude, or the simulator that stands in for it, which is started when it is first needed."""

    def find() -> Address:
        if config.uses_simulator:
            from app.claude.simulator import Simulator  # most servers never need it

            simulator = Simulator(seconds_per_event=config.simulator_seconds_per_event).start()
            return Address(simulator.base_url, "simulator", is_own=True)
        return Address(config.anthropic_base_url, config.anthropic_api_key)

    policy = Policy(config.retry_tries, config.retry_deadline_seconds)
    return Claude(find, Patience(config.connect_timeout_seconds, config.silence_timeout_seconds, policy))
