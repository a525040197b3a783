"""Over real HTTP: who is let in, what is refused, what is found."""

from typing import Any

import anthropic
import httpx2
import pytest

MODEL = "claude-opus-5-5"
ASK: dict[str, Any] = {"model": MODEL, "max_tokens": 300, "messages": [{"role": "user", "content": "Hello"}]}


def test_a_message_is_answered(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**ASK)
    assert message.id.startswith("msg_sim_")
    assert (message.role, message.model, message.stop_reason) == ("assistant", MODEL, "end_turn")
    assert [block.type for block in message.content] == ["thinking", "text"]


def test_a_stream_holds_the_same_message(client: anthropic.Anthropic) -> None:
    with client.messages.stream(**ASK) as stream:
        streamed = stream.get_final_message()
    whole = client.messages.create(**ASK)
    assert [block.to_dict() for block in streamed.content] == [block.to_dict() for block in whole.content]
    assert streamed.usage.output_tokens == whole.usage.output_tokens


def test_counting_gives_the_tokens_of_the_prompt(client: anthropic.Anthropic) -> None:
    extra: dict[str, Any] = {
        "system": "Be brief.",
        "tools": [{"name": "a", "input_schema": {"type": "object"}}],
    }
    counted = client.messages.count_tokens(model=MODEL, messages=ASK["messages"], **extra)
    answered = client.messages.create(**ASK, **extra)
    assert counted.input_tokens == answered.usage.input_tokens


@pytest.mark.parametrize("key", ["invalid", "sk-ant-invalid-1"])
def test_a_wrong_key_is_not_let_in(http: httpx2.Client, key: str) -> None:
    response = http.post("/v1/messages", json=ASK, headers={"x-api-key": key})
    assert response.status_code == 401
    assert response.json()["error"] == {"type": "authentication_error", "message": "invalid x-api-key"}


def test_without_a_key_nobody_is_let_in(http: httpx2.Client) -> None:
    response = http.get("/v1/models", headers={"x-api-key": ""})
    assert response.status_code == 401


def test_a_key_may_come_either_way(http: httpx2.Client) -> None:
    assert http.get("/v1/models").status_code == 200
    headers = {"x-api-key": "", "authorization": "Bearer k"}
    assert http.get("/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21"])
def test_both_versions_are_spoken(http: httpx2.Client, version: str) -> None:
    assert http.post("/v1/messages", json=ASK, headers={"anthropic-version": version}).status_code == 200


def test_another_version_is_not_spoken(http: httpx2.Client) -> None:
    response = http.post("/v1/messages", json=ASK, headers={"anthropic-version": "2020-01-01"})
    assert response.status_code == 400
    assert "2020-01-01" in response.json()["error"]["message"]


def test_a_version_is_needed(simulator: Any) -> None:
    response = httpx2.get(f"{simulator.base_url}/v1/models", headers={"x-api-key": "k"})
    assert response.json()["error"]["message"] == "anthropic-version: header is required"


def test_an_error_has_claudes_shape_and_its_request_id(http: httpx2.Client) -> None:
    response = http.get("/v1/nothing")
    body = response.json()
    assert response.status_code == 404
    assert body["type"] == "error"
    assert body["error"]["type"] == "not_found_error"
    assert body["request_id"] == response.headers["request-id"]
    assert body["request_id"].startswith("req_sim_")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_find_nothing(http: httpx2.Client, method: str) -> None:
    assert http.request(method, "/v1/messages").status_code == 404


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"{", "The request body is not valid JSON"), (b"[]", "Input should be a valid dictionary")],
)
def test_a_body_is_a_json_object(http: httpx2.Client, raw: bytes, message: str) -> None:
    response = http.post("/v1/messages", content=raw)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(message)


def test_an_unknown_model_is_not_found(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError, match="model: claude-9"):
        client.messages.create(**{**ASK, "model": "claude-9"})
    with pytest.raises(anthropic.NotFoundError):
        client.messages.count_tokens(model="claude-9", messages=ASK["messages"])


def test_what_the_rules_refuse_is_refused(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="messages: at least one message is required"):
        client.messages.create(**{**ASK, "messages": []})
    with pytest.raises(anthropic.BadRequestError, match="temperature: Extra inputs are not permitted"):
        client.messages.create(**ASK, extra_body={"temperature": 1})
    with pytest.raises(anthropic.BadRequestError, match="must be non-empty"):
        client.messages.count_tokens(
            model=MODEL, messages=[{"role": "user", "content": [{"type": "text", "text": ""}]}]
        )


class TestTheSmallWindow:
    SMALL: dict[str, Any] = {**ASK, "model": "claude-simulator-8k"}  # noqa: RUF012

    def test_refuses_a_longer_prompt(self, client: anthropic.Anthropic) -> None:
        messages = [{"role": "user", "content": "word " * 5_000}]
        with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > 8192 maximum"):
            client.messages.create(**{**self.SMALL, "messages": messages})

    def test_ends_an_answer_that_reaches_its_end(self, client: anthropic.Anthropic) -> None:
        messages = [{"role": "user", "content": "a " * 8_150 + "[[reply: words=500]]"}]
        message = client.messages.create(**{**self.SMALL, "max_tokens": 2_048, "messages": messages})
        assert message.stop_reason == "model_context_window_exceeded"
        assert message.usage.input_tokens + message.usage.output_tokens <= 8_192

    def test_has_its_own_greatest_output(self, client: anthropic.Anthropic) -> None:
        with pytest.raises(anthropic.BadRequestError, match="2049 > 2048"):
            client.messages.create(**{**self.SMALL, "max_tokens": 2_049})


def test_every_answer_has_rate_limit_headers(http: httpx2.Client) -> None:
    headers = http.post("/v1/messages", json=ASK).headers
    for name in ("requests", "input-tokens", "output-tokens"):
        limit, remaining = (
            int(headers[f"anthropic-ratelimit-{name}-{what}"]) for what in ("limit", "remaining")
        )
        assert 0 < remaining < limit
        assert headers[f"anthropic-ratelimit-{name}-reset"].endswith("Z")
