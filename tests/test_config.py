"""Config: what is read from the environment, what is refused, and what is never shown."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from config import INSTANCE, Config

KEY = "clq_" + "k" * 28
POSTGRES = "postgresql://me:hunter22@db/colloquy"
NUMBERS: list[Any] = [one for one in fields(Config) if type(one.default) in {int, float}]
WORDS = {
    "ANTHROPIC_API_KEY": "sk-ant-1",
    "ANTHROPIC_BASE_URL": "http://localhost:1",
    "DATABASE_URL": POSTGRES,
    "HOST": "0.0.0.0",  # noqa: S104
    "COLLOQUY_ADMIN_KEY": KEY,
    "COLLOQUY_UPSTREAM": "anthropic",
    "COLLOQUY_MODEL": "claude-opus-5-5",
    "COLLOQUY_SUMMARY_MODEL": "claude-sonnet-5-5",
    "OIDC_ISSUER": "https://id.example.org",
    "OIDC_AUDIENCE": "colloquy",
    "COLLOQUY_OIDC_ROLE_CLAIM": "groups",
    "COLLOQUY_OIDC_ROLES": "staff=admin",
    "COLLOQUY_CORS_ORIGINS": "https://app.example.org",
    "COLLOQUY_ADMINS_READ_MESSAGES": "True",
    "COLLOQUY_BUDGET_LADDER": "max_tokens,model",
    "COLLOQUY_CHEAPER_MODEL": "claude-haiku-4-5",
    "COLLOQUY_FETCH_HOSTS": "example.org,*.example.com:8443",
    "OTEL_SDK_DISABLED": "true",
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://localhost:4318/v1/traces",
    "OTEL_EXPORTER_OTLP_HEADERS": "x=y",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x=z",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
    "COLLOQUY_TOOLS_FOLDER": "/srv/tools",
    "COLLOQUY_MCP_SERVERS": "/srv/mcp.json",
    "COLLOQUY_TOOLS_APPROVAL": "book, mcp__mail__send",
    "COLLOQUY_LOG_FORMAT": "json",
    "COLLOQUY_LOG_LEVEL": "DEBUG",
}


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Config.from_environ({}) == Config()
    assert Config.from_environ({one.metadata["env"]: "" for one in fields(Config)}) == Config()


def test_tools_are_given_nothing_of_the_environment_that_is_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1")
    monkeypatch.setenv("DATABASE_URL", POSTGRES)
    monkeypatch.setenv("LANG", "C.UTF-8")
    given = Config().tool_environ
    assert given["LANG"] == "C.UTF-8"
    assert not {"sk-ant-1", POSTGRES} & {*given.values()}


def test_the_names_of_tools_that_need_approval_are_a_list() -> None:
    assert Config(tools_approval="book, mcp__mail__send,").approval == {"book", "mcp__mail__send"}
    assert Config().approval == frozenset()


def another(one: Any) -> float:
    """Another value than the default."""
    return float(one.default / 2) if one.name == "context_keep" else one.default + 1


def test_the_part_of_the_context_that_is_kept_is_no_more_than_all() -> None:
    with pytest.raises(ValueError, match="COLLOQUY_CONTEXT_KEEP must be 1 or less"):
        Config.from_environ({"COLLOQUY_CONTEXT_KEEP": "1.5"})


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("COLLOQUY_ADMINS_READ_MESSAGES", "1", "is `true` or `false`"),
        ("COLLOQUY_BUDGET_LADDER", "max_tokens,max_tokens", "each once"),
        ("COLLOQUY_BUDGET_LADDER", "temperature", "names some of max_tokens, effort, model"),
        ("COLLOQUY_TOOL_SENT_CHARACTERS", "1000001", "no more than COLLOQUY_TOOL_KEPT_CHARACTERS"),
        ("OIDC_ISSUER", "https://id.example.org", "needed together"),
        ("OIDC_AUDIENCE", "colloquy", "needed together"),
        ("COLLOQUY_OIDC_ROLES", "staff=admin", "needs COLLOQUY_OIDC_ROLE_CLAIM"),
        ("COLLOQUY_OIDC_ROLES", "staff", "says `value=role`"),
        ("COLLOQUY_OIDC_ROLES", "=admin", "says `value=role`"),
        ("COLLOQUY_OIDC_ROLES", "staff=owner", "admin, member, viewer"),
        ("COLLOQUY_CORS_ORIGINS", "*", "names origins"),
        ("COLLOQUY_CORS_ORIGINS", "app.example.org", "names origins"),
        ("COLLOQUY_CORS_ORIGINS", "https://app.example.org/", "names origins"),
        ("COLLOQUY_CORS_ORIGINS", "https://*.example.org", "names origins"),
        ("COLLOQUY_CORS_ORIGINS", "https://app.example.org,null", "names origins"),
        ("COLLOQUY_FETCH_HOSTS", "https://example.org", "names hosts"),
        ("COLLOQUY_FETCH_HOSTS", "example.org/page", "names hosts"),
        ("COLLOQUY_FETCH_HOSTS", "www.*.org", "names hosts"),
        ("COLLOQUY_FETCH_HOSTS", "exämple.org", "names hosts"),
    ],
)
def test_what_is_none_of_the_words_is_refused(variable: str, value: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Config.from_environ({variable: value})


@pytest.mark.parametrize(
    ("issuer", "is_taken"),
    [
        ("https://id.example.org", True),
        ("https://id.example.org/realms/one/", True),
        ("http://localhost:8080/realms/one", True),
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://id.example.org", False),
        ("http://localhost.example.org", False),
        ("https://id.example.org?x", False),
        ("https://", False),
        ("id.example.org", False),
        ("https://id.example.org/" + "x" * 500, False),
    ],
)
def test_an_issuer_is_asked_over_https_or_on_this_machine(issuer: str, is_taken: bool) -> None:
    if is_taken:
        assert Config(oidc_issuer=issuer, oidc_audience="x").oidc_issuer == issuer
        return
    with pytest.raises(ValueError, match="OIDC_ISSUER is an address"):
        Config(oidc_issuer=issuer, oidc_audience="x")


def test_lists_are_taken_apart() -> None:
    roles = Config(oidc_role_claim="groups", oidc_roles=" staff = admin, cn=all=viewer,")
    assert roles.roles == {"staff": "admin", "cn=all": "viewer"}
    web = Config(cors_origins="https://a.example.org, http://localhost:5173,app://colloquy, http://[::1]:80")
    assert web.origins == (
        "https://a.example.org",
        "http://localhost:5173",
        "app://colloquy",
        "http://[::1]:80",
    )
    pages = Config(fetch_hosts=" example.org ,*.example.org, *, [2001:db8::1]:8080,127.0.0.1:80,")
    assert pages.fetchable == ("example.org", "*.example.org", "*", "[2001:db8::1]:8080", "127.0.0.1:80")
    assert (Config().roles, Config().origins, Config().fetchable) == ({}, (), ())


def test_every_setting_is_read_from_its_variable_and_from_no_other() -> None:
    environ = WORDS | {one.metadata["env"]: str(another(one)) for one in NUMBERS}
    settings = Config.from_environ(environ | {"PATH": "/bin", "COLLOQUY_NONSENSE": "1"})
    found = {one.metadata["env"]: getattr(settings, one.name) for one in fields(Config)}
    assert {name: str(value) for name, value in found.items()} == environ


@pytest.mark.parametrize("one", NUMBERS, ids=lambda one: one.name)
def test_numbers_keep_their_kind_and_may_stand_between_spaces(one: Any) -> None:
    settings = Config.from_environ({"DATABASE_URL": POSTGRES, one.metadata["env"]: f" {another(one)} "})
    assert getattr(settings, one.name) == another(one)
    assert type(getattr(settings, one.name)) is type(one.default)


@pytest.mark.parametrize("one", NUMBERS, ids=lambda one: one.name)
@pytest.mark.parametrize("text", ["x", "-1", "1e", " ", "nan", "inf"])
def test_what_is_no_number_or_too_small_or_endless_is_refused_by_name(one: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{one.metadata['env']} must be"):
        Config.from_environ({one.metadata["env"]: text})


@pytest.mark.parametrize("name", ["PORT", "COLLOQUY_WORKERS", "COLLOQUY_RETRY_TRIES", "COLLOQUY_MAX_TOKENS"])
@pytest.mark.parametrize("text", ["1.5", "0"])
def test_counts_are_whole_and_more_than_nothing(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        Config.from_environ({name: text})


@pytest.mark.parametrize("name", ["COLLOQUY_CONTEXT_TOKENS", "COLLOQUY_SIMULATOR_SECONDS_PER_EVENT"])
def test_no_ceiling_and_no_pace_may_be_nothing(name: str) -> None:
    Config.from_environ({name: "0"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("COLLOQUY_UPSTREAM", "claude"),
        ("COLLOQUY_UPSTREAM", "Simulator"),
        ("COLLOQUY_LOG_FORMAT", "xml"),
        ("COLLOQUY_LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "mysql://db/colloquy"),
        ("DATABASE_URL", "colloquy.db"),
        ("COLLOQUY_ADMIN_KEY", KEY[:-1]),
        ("COLLOQUY_ADMIN_KEY", "k" * 40),
        ("COLLOQUY_ADMIN_KEY", "clq_" + "é" * 40),
        ("COLLOQUY_ADMIN_KEY", "clq_" + "\n" * 40 + "k"),
        ("PORT", "65536"),
    ],
)
def test_wrong_words_are_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        Config.from_environ({name: text})


def test_a_refused_secret_is_not_repeated() -> None:
    for name, text in (("COLLOQUY_ADMIN_KEY", "hunter22"), ("DATABASE_URL", "mysql://me:hunter22@db")):
        with pytest.raises(ValueError, match=name) as caught:
            Config.from_environ({name: text})
        assert "hunter22" not in str(caught.value)


def test_secrets_are_in_no_repr_and_are_known_to_the_redactor() -> None:
    settings = Config.from_environ(WORDS)
    for secret in ("sk-ant-1", KEY, "hunter22"):
        assert secret not in repr(settings)
    assert settings.secrets == ("sk-ant-1", KEY, "hunter22", "y", "z")


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("sqlite:///a.db", ()),
        ("postgresql://db/colloquy", ()),
        ("postgresql://me@db/colloquy", ()),
        ("postgresql://me:p%40ss/word1@db/colloquy", ("p%40ss/word1", "p@ss/word1")),
        ("postgresql:///colloquy?host=db&password=s%2Bcret", ("s+cret",)),
    ],
)
def test_the_password_of_the_database_is_a_secret_as_it_stands_and_as_it_is_meant(
    url: str, passwords: tuple[str, ...]
) -> None:
    assert Config(database_url=url).secrets == passwords
    assert Config().secrets == (), "an empty secret would mask everything"


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Config().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", f"sqlite:///{INSTANCE / 'colloquy.db'}"),
        ("sqlite:////data/c.db", "sqlite:////data/c.db"),
        ("postgres://u:p@h:5/d?sslmode=require", "postgresql+psycopg://u:p@h:5/d?sslmode=require"),
        ("postgresql://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_the_database_url_is_as_sqlalchemy_wants_it(given: str, expected: str) -> None:
    assert Config(database_url=given).sqlalchemy_url == expected


@pytest.mark.parametrize(
    ("key", "base_url", "upstream", "expected"),
    [
        ("", "", "", True),
        ("sk-ant-1", "", "", False),
        ("", "http://localhost:1", "", False),
        ("sk-ant-1", "", "simulator", True),
        ("", "", "simulator", True),
        ("sk-ant-1", "", "anthropic", False),
        ("", "http://localhost:1", "anthropic", False),
    ],
)
def test_the_simulator_stands_in_where_it_is_asked_for_or_nothing_else_is_there(
    key: str, base_url: str, upstream: Any, expected: bool
) -> None:
    settings = Config(anthropic_api_key=key, anthropic_base_url=base_url, upstream=upstream)
    assert settings.uses_simulator is expected


def test_claude_cannot_be_asked_for_without_a_key() -> None:
    with pytest.raises(ValueError, match="ANTHROPIC_API_KEY"):
        Config(upstream="anthropic")


@pytest.mark.parametrize("url", ["", "sqlite:////data/c.db"])
def test_more_than_one_process_needs_postgresql(url: str) -> None:
    with pytest.raises(ValueError, match="COLLOQUY_WORKERS above 1 needs PostgreSQL"):
        Config(workers=2, database_url=url)
    assert Config(workers=1, database_url=url).workers == 1
    assert Config(workers=2, database_url=POSTGRES).workers == 2


def test_every_process_has_the_connections_to_the_database_that_it_needs() -> None:
    with pytest.raises(ValueError, match="COLLOQUY_DATABASE_CONNECTIONS must be 4 or more for each"):
        Config(workers=3, database_url=POSTGRES, database_connections=11)
    assert Config(workers=3, database_url=POSTGRES, database_connections=12).database_connections == 12


def test_what_is_sent_to_a_receiver_of_traces_is_secret() -> None:
    headers = "authorization=Basic%20c2VjcmV0LW9uZQ==, x-key = secret-two"
    config = Config(otel_headers=headers, otel_traces_headers="x-key=secret-three,odd")
    assert {"c2VjcmV0LW9uZQ==", "Basic c2VjcmV0LW9uZQ==", "secret-two", "secret-three"} <= {*config.secrets}
    assert "" not in config.secrets
    assert "secret" not in repr(config)
