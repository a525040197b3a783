"""Every fault, over real HTTP and with the official client: it sees what it would see of Claude."""

import json
from typing import Any

import anthropic
import httpx2
import pytest

from app.claude.simulator import Simulator


def ask(text: str) -> dict[str, Any]:
    return {"model": "claude-opus-5-5", "max_tokens": 300, "messages": [{"role": "user", "content": text}]}


def stream(client: anthropic.Anthropic, text: str) -> list[Any]:
    """The events as they came; the package leaves pings out."""
    seen: list[Any] = []
    with client.messages.create(**ask(text), stream=True) as events:
        seen.extend(events)
    return seen


STATUSES = {
    400: ("invalid_request_error", anthropic.BadRequestError),
    401: ("authentication_error", anthropic.AuthenticationError),
    403: ("permission_error", anthropic.PermissionDeniedError),
    404: ("not_found_error", anthropic.NotFoundError),
    408: ("timeout_error", anthropic.RequestTimeoutError),
    413: ("request_too_large", anthropic.RequestTooLargeError),
    429: ("rate_limit_error", anthropic.RateLimitError),
    500: ("api_error", anthropic.InternalServerError),
    502: ("api_error", anthropic.InternalServerError),
    503: ("api_error", anthropic.ServiceUnavailableError),
    504: ("timeout_error", anthropic.DeadlineExceededError),
    529: ("overloaded_error", anthropic.OverloadedError),
}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_has_its_type_of_error(client: anthropic.Anthropic, status: int) -> None:
    kind, error_class = STATUSES[status]
    with pytest.raises(error_class) as raised:
        client.messages.create(**ask(f"[[fault: status={status}]]"))
    assert isinstance(raised.value, anthropic.APIStatusError)
    assert (raised.value.status_code, raised.value.type) == (status, kind)


def test_a_status_may_say_when_to_come_back(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(**ask("[[fault: status=429 retry_after=7]]"))
    assert raised.value.response.headers["retry-after"] == "7"


def test_a_fault_strikes_so_many_times_and_no_more(client: anthropic.Anthropic) -> None:
    failing = ask("Twice [[fault: status=529 times=2]]")
    for _ in range(2):
        with pytest.raises(anthropic.OverloadedError):
            client.messages.create(**failing)
    assert client.messages.create(**failing).stop_reason == "end_turn"


def test_other_requests_have_their_own_count(client: anthropic.Anthropic) -> None:
    for number in range(2):
        with pytest.raises(anthropic.OverloadedError):
            client.messages.create(**ask(f"Number {number} [[fault: status=529 times=1]]"))


def test_the_clients_own_retries_come_through(simulator: Simulator) -> None:
    with anthropic.Anthropic(base_url=simulator.base_url, api_key="retrying", max_retries=1) as client:
        message = client.messages.create(**ask("[[fault: status=529 times=1 retry_after=0.01]]"))
    assert message.stop_reason == "end_turn"


def test_a_cut_stream_is_a_broken_connection(client: anthropic.Anthropic) -> None:
    with client.messages.create(**ask("[[fault: cut after=5]]"), stream=True) as events:
        assert next(events).type == "message_start"
        with pytest.raises(httpx2.RemoteProtocolError):
            list(events)


def test_a_cut_before_the_answer_is_no_answer(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIConnectionError):
        stream(client, "[[fault: cut after=0]]")
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**ask("[[fault: cut after=5]]"))


def test_the_connection_is_fine_after_a_cut(client: anthropic.Anthropic) -> None:
    with pytest.raises(httpx2.RemoteProtocolError):
        stream(client, "[[fault: cut after=2]]")
    assert stream(client, "Hello")[-1].type == "message_stop"


@pytest.mark.parametrize("after", [0, 3])
def test_silence_is_a_timeout_to_an_impatient_reader(client: anthropic.Anthropic, after: int) -> None:
    impatient = client.with_options(timeout=0.05)
    with pytest.raises((anthropic.APITimeoutError, httpx2.ReadTimeout)):
        stream(impatient, f"[[fault: silence after={after} seconds=0.5]]")


def test_silence_ends(client: anthropic.Anthropic) -> None:
    assert stream(client, "[[fault: silence after=3 seconds=0.01]]")[-1].type == "message_stop"
    assert client.messages.create(**ask("[[fault: silence after=3 seconds=0.01]]")).content


def test_a_stream_may_end_without_its_stop(client: anthropic.Anthropic) -> None:
    assert stream(client, "[[fault: no_stop]]")[-1].type == "message_delta"
    assert len(stream(client, "[[fault: no_stop after=1]]")) == 1


def test_an_error_may_come_in_mid_stream(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError) as raised:
        stream(client, "[[fault: error after=3 type=api_error]]")
    assert raised.value.status_code == 200
    assert raised.value.type == "api_error"


def test_an_error_is_a_status_where_there_is_no_stream(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.OverloadedError):
        client.messages.create(**ask("[[fault: error after=3 type=overloaded_error]]"))


def test_garbage_is_not_json(client: anthropic.Anthropic, http: httpx2.Client) -> None:
    with pytest.raises(json.JSONDecodeError):
        stream(client, "[[fault: garbage after=2]]")
    with pytest.raises(json.JSONDecodeError):
        http.post("/v1/messages", json=ask("[[fault: garbage after=2]]")).json()


def test_faults_may_follow_one_another(client: anthropic.Anthropic) -> None:
    text = "[[fault: status=529 times=1]] [[fault: cut after=2 times=2]]"
    with pytest.raises(anthropic.OverloadedError):
        stream(client, text)
    with pytest.raises(httpx2.RemoteProtocolError):
        stream(client, text)
    assert stream(client, text)[-1].type == "message_stop"


def test_only_the_newest_message_asks(client: anthropic.Anthropic) -> None:
    messages = [
        {"role": "user", "content": "[[fault: status=500]]"},
        {"role": "assistant", "content": "I see."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "[[fault: cut]]"}, {"type": "text", "text": "Go on"}],
        },
    ]
    message = client.messages.create(**{**ask(""), "messages": messages})
    assert message.stop_reason == "end_turn"


def test_what_is_not_understood_is_said(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="does not understand"):
        stream(client, "[[fault: explode]]")


def test_a_refused_request_costs_nothing(simulator: Simulator) -> None:
    with anthropic.Anthropic(base_url=simulator.base_url, api_key="faulted", max_retries=0) as client:
        failing: dict[str, Any] = {
            **ask("word " * 600 + "[[fault: status=529 times=1]]"),
            "cache_control": {"type": "ephemeral"},
        }
        with pytest.raises(anthropic.OverloadedError):
            client.messages.create(**failing)
        usage = client.messages.create(**failing).usage
    assert usage.cache_read_input_tokens == 0
