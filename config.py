"""Every setting of the server, read once from the environment. No other file reads `os.environ`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import parse_qs, unquote

VERSION = "0.1.0"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LADDER = ("max_tokens", "effort", "model")
ROLES = ("admin", "member", "viewer")
LEAST_CONNECTIONS = 4  # to PostgreSQL, of one process: less, and its own watch would wait for its answers
ISSUER = re.compile(r"(https://[^/\s?#]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/[^\s?#]*)?")
MOST_ISSUER = 500
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[\w.-]+(:\d+)?|[a-z][a-z0-9+.-]*://\[[0-9a-f:]+\](:\d+)?")
FETCHABLE = re.compile(r"(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:]+\])(:\d{1,5})?", re.IGNORECASE)
MAY_BE_ZERO = frozenset(
    {
        "context_tokens",
        "recall_tokens",
        "context_keep",
        "simulator_seconds_per_event",
        "requests_per_minute",
        "tokens_per_minute",
        "key_requests_per_minute",
        "key_tokens_per_minute",
        "traces_kept_days",
    }
)
PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONPATH",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
PASSWORD = re.compile(r"[\w+]+://[^:/]*:([^@]*)@")  # what the database library takes for one
PASSWORD_PARAMETERS = ("password", "sslpassword")
INSTANCE = Path(__file__).resolve().parent / "instance"


def setting(name: str, default: Any, says: str, *, secret: bool = False) -> Any:
    """A field of Config: its environment variable, its default, and what README's table says of it."""
    return field(default=default, repr=not secret, metadata={"env": name, "says": says})


@dataclass(frozen=True)
class Config:
    """The settings. Times are seconds, sizes are bytes; a secret is left out of the repr."""

    anthropic_api_key: str = setting(
        "ANTHROPIC_API_KEY", "", "Claude's key, sent upstream only.", secret=True
    )
    anthropic_base_url: str = setting("ANTHROPIC_BASE_URL", "", "Any server that speaks Claude's protocol.")
    database_url: str = setting("DATABASE_URL", "", "`sqlite:///…` or `postgresql://…`.", secret=True)
    host: str = setting("HOST", "127.0.0.1", "The address to listen on.")
    port: int = setting("PORT", 8000, "The port to listen on.")
    workers: int = setting("COLLOQUY_WORKERS", 1, "Server processes; more than one needs PostgreSQL.")
    connections: int = setting("COLLOQUY_CONNECTIONS", 2000, "Connections one process holds open at once.")
    database_connections: int = setting(
        "COLLOQUY_DATABASE_CONNECTIONS",
        88,
        "Connections to PostgreSQL that all processes of this server may take together.",
    )
    admin_key: str = setting(
        "COLLOQUY_ADMIN_KEY", "", "The first admin's key: `clq_` and 28 or more characters.", secret=True
    )
    upstream: Literal["", "anthropic", "simulator"] = setting(
        "COLLOQUY_UPSTREAM", "", "`anthropic` or `simulator`; without a key or base URL, the simulator."
    )
    model: str = setting("COLLOQUY_MODEL", "claude-sonnet-5-5", "The model where nobody names one.")
    max_tokens: int = setting("COLLOQUY_MAX_TOKENS", 8192, "The output share where nobody names one.")
    context_tokens: int = setting(
        "COLLOQUY_CONTEXT_TOKENS",
        0,
        "A ceiling on the input share; 0: what suits the model, 150,000 for most.",
    )
    context_keep: float = setting(
        "COLLOQUY_CONTEXT_KEEP", 0.5, "The part of the input share that is kept when old turns are left out."
    )
    recall_tokens: int = setting(
        "COLLOQUY_RECALL_TOKENS", 1000, "What may be quoted of the turns that were left out; 0: nothing."
    )
    summary_model: str = setting(
        "COLLOQUY_SUMMARY_MODEL", "claude-haiku-5-5", "The model that writes summaries."
    )
    oidc_issuer: str = setting(
        "OIDC_ISSUER", "", "An OpenID Connect provider whose tokens are taken as well as keys."
    )
    oidc_audience: str = setting("OIDC_AUDIENCE", "", "The audience that these tokens must be for.")
    oidc_role_claim: str = setting(
        "COLLOQUY_OIDC_ROLE_CLAIM", "", "The claim that says what somebody is, such as `groups`."
    )
    oidc_roles: str = setting(
        "COLLOQUY_OIDC_ROLES", "", "What its values mean: `staff=admin,guests=viewer`; others are members."
    )
    cors_origins: str = setting(
        "COLLOQUY_CORS_ORIGINS", "", "Origins of web pages that may call, with commas between; none else may."
    )
    admins_read_messages: bool = setting(
        "COLLOQUY_ADMINS_READ_MESSAGES", False, "Whether admins may read what others write."
    )
    budget_ladder: str = setting(
        "COLLOQUY_BUDGET_LADDER",
        "",
        "What may be lessened to fit a budget, in order: `max_tokens,effort,model`.",
    )
    cheaper_model: str = setting(
        "COLLOQUY_CHEAPER_MODEL", "claude-haiku-5-5", "The model that the budget ladder ends in."
    )
    requests_per_minute: int = setting(
        "COLLOQUY_REQUESTS_PER_MINUTE", 0, "Requests a person may make in a minute; 0: any number."
    )
    tokens_per_minute: int = setting(
        "COLLOQUY_TOKENS_PER_MINUTE", 0, "Tokens a person may use in a minute; 0: any number."
    )
    key_requests_per_minute: int = setting(
        "COLLOQUY_KEY_REQUESTS_PER_MINUTE", 0, "Requests in a minute with one key; 0: any number."
    )
    key_tokens_per_minute: int = setting(
        "COLLOQUY_KEY_TOKENS_PER_MINUTE", 0, "Tokens in a minute with one key; 0: any number."
    )
    tools_folder: str = setting(
        "COLLOQUY_TOOLS_FOLDER", "", "A folder of Python files whose functions are tools (docs/tools.md)."
    )
    mcp_servers: str = setting(
        "COLLOQUY_MCP_SERVERS",
        "",
        "A JSON file that names MCP servers, as `mcpServers`, whose tools are taken.",
    )
    tools_approval: str = setting(
        "COLLOQUY_TOOLS_APPROVAL", "", "Tools that a person must say yes to each time, with commas between."
    )
    tool_seconds: float = setting("COLLOQUY_TOOL_SECONDS", 30.0, "How long one call of a tool may take.")
    tool_sent_characters: int = setting(
        "COLLOQUY_TOOL_SENT_CHARACTERS",
        20_000,
        "Of a tool's output, what Claude is sent: its beginning and end.",
    )
    tool_kept_characters: int = setting(
        "COLLOQUY_TOOL_KEPT_CHARACTERS", 1_000_000, "Of a tool's output, what is kept in the trace."
    )
    connect_timeout_seconds: float = setting(
        "COLLOQUY_CONNECT_TIMEOUT_SECONDS", 10.0, "How long a connection to Claude may take."
    )
    turn_rounds: int = setting(
        "COLLOQUY_TURN_ROUNDS", 25, "How often Claude is asked in one turn, tools between, at the most."
    )
    turn_seconds: float = setting(
        "COLLOQUY_TURN_SECONDS", 600.0, "After how many seconds a turn with tools begins no further round."
    )
    silence_timeout_seconds: float = setting(
        "COLLOQUY_SILENCE_TIMEOUT_SECONDS",
        120.0,
        "How long Claude may say nothing before the call is given up.",
    )
    retry_deadline_seconds: float = setting(
        "COLLOQUY_RETRY_DEADLINE_SECONDS", 60.0, "How long a call may be retried before its first event."
    )
    retry_tries: int = setting("COLLOQUY_RETRY_TRIES", 4, "How often a call is tried before its first event.")
    lease_seconds: float = setting(
        "COLLOQUY_LEASE_SECONDS", 15.0, "How long a running answer is believed in without a sign of life."
    )
    queue_seconds: float = setting(
        "COLLOQUY_QUEUE_SECONDS", 600.0, "How long a message with `on_busy: queue` waits for its turn."
    )
    drain_seconds: float = setting(
        "COLLOQUY_DRAIN_SECONDS", 30.0, "How long running answers may go on when the server is to stop."
    )
    events_kept_seconds: float = setting(
        "COLLOQUY_EVENTS_KEPT_SECONDS", 86_400.0, "How long the events of an answer can be read again."
    )
    traces_kept_days: float = setting(
        "COLLOQUY_TRACES_KEPT_DAYS",
        30.0,
        "How long the trace of an answer is kept; 0: as long as the answer.",
    )
    ping_seconds: float = setting(
        "COLLOQUY_PING_SECONDS", 15.0, "Silence after which a stream gets a comment line."
    )
    max_body_bytes: int = setting("COLLOQUY_MAX_BODY_BYTES", 33_554_432, "The largest request body.")
    fetch_hosts: str = setting(
        "COLLOQUY_FETCH_HOSTS",
        "",
        "Hosts that Claude may read pages from: `example.org,*.example.com`; `*`: any; without, none.",
    )
    fetch_seconds: float = setting("COLLOQUY_FETCH_SECONDS", 10.0, "How long reading a page may take.")
    fetch_bytes: int = setting("COLLOQUY_FETCH_BYTES", 2_000_000, "The largest page that is read.")
    simulator_seconds_per_event: float = setting(
        "COLLOQUY_SIMULATOR_SECONDS_PER_EVENT", 0.03, "The pace at which the simulator writes."
    )
    otel_disabled: str = setting("OTEL_SDK_DISABLED", "", "`true`: no OpenTelemetry, whatever else is set.")
    otel_exporter: str = setting(
        "OTEL_TRACES_EXPORTER", "", "`otlp` exports traces, `none` doesn't; without it an endpoint decides."
    )
    otel_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT", "", "Where traces go, by OTLP over HTTP, without `/v1/traces`."
    )
    otel_traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "", "The same as a whole address."
    )
    otel_headers: str = setting(
        "OTEL_EXPORTER_OTLP_HEADERS", "", "Sent along: `name=value`, with commas between.", secret=True
    )
    otel_traces_headers: str = setting(
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "", "The same, for traces only.", secret=True
    )
    otel_content: str = setting(
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "", "`true`: traces show what was said."
    )
    log_format: Literal["", "json", "text"] = setting(
        "COLLOQUY_LOG_FORMAT", "", "`json` or `text`; by default text on a terminal, JSON elsewhere."
    )
    log_level: str = setting("COLLOQUY_LOG_LEVEL", "INFO", "The least level that is logged.")

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings; raises ValueError that names the variable and what is wrong with it."""
        env = os.environ if environ is None else environ
        given = {one.name: _read(one, env) for one in fields(cls) if env.get(one.metadata["env"], "") != ""}
        return cls(**given)

    @property
    def uses_simulator(self) -> bool:
        """Whether the server answers with its own simulator in Claude's place."""
        if self.upstream:
            return self.upstream == "simulator"
        return not (self.anthropic_api_key or self.anthropic_base_url)

    @property
    def ladder(self) -> tuple[str, ...]:
        """What may be lessened to fit a budget, in order."""
        return _listed(self.budget_ladder)

    @property
    def roles(self) -> dict[str, str]:
        """What the values of the role claim mean."""
        pairs = (one.rpartition("=") for one in _listed(self.oidc_roles))
        return {value.strip(): role.strip() for value, _, role in pairs}

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of web pages that may call."""
        return _listed(self.cors_origins)

    @property
    def fetchable(self) -> tuple[str, ...]:
        """The hosts that pages may be read from."""
        return _listed(self.fetch_hosts)

    @property
    def approval(self) -> frozenset[str]:
        """The tools that need approval whatever their source says."""
        return frozenset(_listed(self.tools_approval))

    @property
    def tool_environ(self) -> dict[str, str]:
        """All that programs started for tools have of the environment; no secret is in it."""
        return {name: os.environ[name] for name in PASSED_ON if name in os.environ}

    @property
    def sqlalchemy_url(self) -> str:
        """DATABASE_URL as SQLAlchemy wants it: PostgreSQL through psycopg, SQLite with an absolute path."""
        if not self.database_url:
            return f"sqlite:///{INSTANCE / 'colloquy.db'}"
        scheme, separator, rest = self.database_url.partition("://")
        if scheme in {"postgres", "postgresql"}:
            return f"postgresql+psycopg{separator}{rest}"
        return self.database_url

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must be read nowhere: keys, and the passwords in addresses."""
        passwords = (*_passwords(self.database_url), *_passwords(self.anthropic_base_url))
        sent = (*_header_values(self.otel_headers), *_header_values(self.otel_traces_headers))
        return tuple(one for one in (self.anthropic_api_key, self.admin_key, *passwords, *sent) if one)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _read(one: Any, env: Mapping[str, str]) -> Any:
    name, text = one.metadata["env"], env[one.metadata["env"]].strip()
    kind = type(one.default)
    if kind is bool:
        return _truth(name, text)
    try:
        return kind(text)
    except ValueError:
        raise ValueError(
            f"{name} must be {'a whole number' if kind is int else 'a number'}, not {text!r}"
        ) from None


def _passwords(url: str) -> list[str]:
    """The passwords in an address, as they stand there and as they are meant."""
    found, query = PASSWORD.match(url), parse_qs(url.partition("?")[2])
    given = [found[1]] if found else []
    given += [one for name in PASSWORD_PARAMETERS for one in query.get(name, ())]
    return list(dict.fromkeys([*given, *map(unquote, given)]))


def _header_values(headers: str) -> list[str]:
    """The values in a list of headers, as they stand there, as they are meant, and without their scheme."""
    given = [one.partition("=")[2].strip() for one in headers.split(",")]
    meant = [*given, *map(unquote, given)]
    return list(dict.fromkeys([*meant, *(one.rpartition(" ")[2] for one in meant)]))


def _truth(name: str, text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(f"{name} is `true` or `false`, not {text!r}")
    return text.lower() == "true"


def _check(config: Config) -> None:
    for is_wrong, says in _complaints(config):
        if is_wrong:
            raise ValueError(says)


def _complaints(config: Config) -> Iterator[tuple[bool, str]]:
    key, url = config.admin_key, config.database_url
    is_key = key.startswith("clq_") and len(key) >= 32 and key.isascii() and key.isprintable()
    yield bool(key) and not is_key, "COLLOQUY_ADMIN_KEY must begin with clq_ and have 32 characters or more"
    yield (
        config.upstream not in {"", "anthropic", "simulator"},
        "COLLOQUY_UPSTREAM is `anthropic` or `simulator`",
    )
    yield config.log_format not in {"", "json", "text"}, "COLLOQUY_LOG_FORMAT is `json` or `text`"
    yield config.port > 65_535, "PORT must be 65535 or less"
    yield config.log_level.upper() not in LEVELS, f"COLLOQUY_LOG_LEVEL is one of {', '.join(LEVELS)}"
    has_upstream = config.anthropic_api_key or config.anthropic_base_url
    yield (
        config.upstream == "anthropic" and not has_upstream,
        "COLLOQUY_UPSTREAM=anthropic needs ANTHROPIC_API_KEY",
    )
    is_database = url.startswith(("sqlite:", "postgres:", "postgresql:", "postgresql+psycopg:"))
    yield bool(url) and not is_database, "DATABASE_URL must begin with sqlite:/// or postgresql://"
    for one in fields(config):
        value = getattr(config, one.name)
        least = 0 if one.name in MAY_BE_ZERO else 1e-3
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        is_wrong = is_number and not least <= value < float("inf")
        yield (
            is_wrong,
            f"{one.metadata['env']} must be {'0 or more' if not least else 'more than 0'}, and finite",
        )
    steps = config.ladder
    is_ladder = set(steps) <= set(LADDER) and len(set(steps)) == len(steps)
    yield not is_ladder, f"COLLOQUY_BUDGET_LADDER names some of {', '.join(LADDER)}, each once"
    yield from _complaints_of_callers(config)
    are_hosts = all(FETCHABLE.fullmatch(one) for one in config.fetchable)
    yield (
        not are_hosts,
        "COLLOQUY_FETCH_HOSTS names hosts such as `example.org`, `*.example.org`, `host:8080`",
    )
    yield (
        config.tool_sent_characters > config.tool_kept_characters,
        "COLLOQUY_TOOL_SENT_CHARACTERS must be no more than COLLOQUY_TOOL_KEPT_CHARACTERS",
    )
    yield config.context_keep > 1, "COLLOQUY_CONTEXT_KEEP must be 1 or less"
    is_sqlite = config.sqlalchemy_url.startswith("sqlite")
    yield (
        config.workers > 1 and is_sqlite,
        "COLLOQUY_WORKERS above 1 needs PostgreSQL: set DATABASE_URL=postgresql://…",
    )
    yield (
        config.database_connections < LEAST_CONNECTIONS * config.workers,
        f"COLLOQUY_DATABASE_CONNECTIONS must be {LEAST_CONNECTIONS} or more for each of COLLOQUY_WORKERS",
    )


def _complaints_of_callers(config: Config) -> Iterator[tuple[bool, str]]:
    """What is wrong with the settings of tokens and web pages."""
    issuer, roles = config.oidc_issuer, config.roles
    yield bool(issuer) != bool(config.oidc_audience), "OIDC_ISSUER and OIDC_AUDIENCE are needed together"
    is_issuer = ISSUER.fullmatch(issuer) is not None and len(issuer) <= MOST_ISSUER
    yield bool(issuer) and not is_issuer, "OIDC_ISSUER is an address with https, or http on this machine"
    is_mapping = "" not in roles and set(roles.values()) <= set(ROLES)
    yield not is_mapping, f"COLLOQUY_OIDC_ROLES says `value=role`, with the roles {', '.join(ROLES)}"
    is_useless = bool(roles) and not config.oidc_role_claim
    yield is_useless, "COLLOQUY_OIDC_ROLES needs COLLOQUY_OIDC_ROLE_CLAIM"
    are_origins = all(ORIGIN.fullmatch(one) for one in config.origins)
    yield not are_origins, "COLLOQUY_CORS_ORIGINS names origins such as `https://app.example.org`"
