"""The prompt cache's accounts, on values and then over HTTP."""

from typing import Any

import anthropic
import pytest

from app.claude.rules.models import find
from app.claude.simulator import Simulator, cache_accounts
from app.claude.simulator.cache_accounts import Account, CacheAccounts, measure

MODEL = find("claude-opus-5-5")
SHORT = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}
LOREM = "word " * 400


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def accounts(clock: Clock) -> CacheAccounts:
    return CacheAccounts(clock)


def text(words: str, marker: Any = None) -> dict[str, Any]:
    return {"type": "text", "text": words, **({"cache_control": marker} if marker else {})}


def asking(*blocks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": list(blocks)}], **fields}


def charge(accounts: CacheAccounts, request: dict[str, Any], key: str = "k") -> Account:
    model = find(request["model"])
    assert model
    account = accounts.charge(key, prompt := measure(request, model), model)
    assert account.prompt_tokens == prompt.tokens
    return account


def test_without_a_marker_nothing_is_cached(accounts: CacheAccounts) -> None:
    account = charge(accounts, asking(text(LOREM)))
    assert account == Account(account.prompt_tokens)
    assert len(accounts) == 0


def test_what_is_written_is_read_the_next_time(accounts: CacheAccounts) -> None:
    request = asking(text(LOREM, SHORT), text("and this"))
    first, second = charge(accounts, request), charge(accounts, request)
    assert first.written_5m_tokens == second.read_tokens > 512
    assert (first.read_tokens, second.written_5m_tokens) == (0, 0)
    assert first.input_tokens == second.input_tokens > 0


def test_a_growing_conversation_reads_all_but_what_is_new(accounts: CacheAccounts) -> None:
    blocks = [text(LOREM)]
    known = 0
    for _ in range(4):
        account = charge(accounts, asking(*blocks, cache_control=SHORT))
        assert account.read_tokens == known
        assert account.input_tokens == 0
        known = account.prompt_tokens
        blocks.append(text("some more words"))


def test_an_edited_block_is_not_read_nor_what_comes_after(accounts: CacheAccounts) -> None:
    charge(accounts, asking(text(LOREM, SHORT), text(LOREM, SHORT)))
    account = charge(accounts, asking(text(LOREM, SHORT), text(LOREM + "x", SHORT)))
    assert 0 < account.read_tokens < account.prompt_tokens
    assert charge(accounts, asking(text("x" + LOREM, SHORT), text(LOREM, SHORT))).read_tokens == 0


def test_a_marker_looks_back_twenty_blocks(accounts: CacheAccounts) -> None:
    charge(accounts, asking(text(LOREM, SHORT)))
    small = [text("a")] * 18
    assert charge(accounts, asking(text(LOREM), *small, text("b", SHORT))).read_tokens > 0
    accounts_far = CacheAccounts(Clock())
    charge(accounts_far, asking(text(LOREM, SHORT)))
    assert charge(accounts_far, asking(text(LOREM), *small, text("c"), text("b", SHORT))).read_tokens == 0


@pytest.mark.parametrize(("marker", "life_seconds"), [(SHORT, 300), (LONG, 3_600)])
def test_an_entry_lives_its_time(
    accounts: CacheAccounts, clock: Clock, marker: Any, life_seconds: int
) -> None:
    request = asking(text(LOREM, marker))
    charge(accounts, request)
    clock.now += life_seconds - 1
    assert charge(accounts, request).read_tokens > 0
    clock.now += life_seconds - 1
    assert charge(accounts, request).read_tokens > 0, "a read gives the whole life again"
    clock.now += life_seconds + 1
    assert charge(accounts, request).read_tokens == 0


def test_both_lives_are_accounted_for(accounts: CacheAccounts) -> None:
    request = asking(text(LOREM, SHORT), system=[text(LOREM, LONG)])
    account = charge(accounts, request)
    assert account.written_1h_tokens > 512
    assert account.written_5m_tokens > 512
    assert account.input_tokens == 0


def test_after_five_minutes_the_hour_is_still_read(accounts: CacheAccounts, clock: Clock) -> None:
    request = asking(text(LOREM, SHORT), system=[text(LOREM, LONG)])
    first = charge(accounts, request)
    clock.now += 301
    second = charge(accounts, request)
    assert second.read_tokens == first.written_1h_tokens
    assert (second.written_5m_tokens, second.written_1h_tokens) == (first.written_5m_tokens, 0)


@pytest.mark.parametrize(
    ("model_id", "is_cached"),
    [("claude-opus-5-5", True), ("claude-opus-4-8", False), ("claude-haiku-4-5", False)],
)
def test_each_model_has_its_least_prefix(accounts: CacheAccounts, model_id: str, is_cached: bool) -> None:
    account = charge(accounts, asking(text(LOREM, SHORT), model=model_id))
    assert (account.written_5m_tokens > 0) is is_cached


def test_keys_do_not_share(accounts: CacheAccounts) -> None:
    request = asking(text(LOREM, SHORT))
    charge(accounts, request, key="a")
    assert charge(accounts, request, key="b").read_tokens == 0


@pytest.mark.parametrize(
    ("change", "reads_system"),
    [
        ({"model": "claude-fable-5-2"}, False),
        ({"tools": [{"name": "a", "input_schema": {"type": "object"}}]}, False),
        ({"tool_choice": {"type": "none"}}, True),
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, True),
    ],
)
def test_what_breaks_the_cache(accounts: CacheAccounts, change: dict[str, Any], reads_system: bool) -> None:
    request = asking(text(LOREM, SHORT), system=[text(LOREM, SHORT)])
    whole = charge(accounts, request).prompt_tokens
    read = charge(accounts, {**request, **change}).read_tokens
    assert read < whole
    assert (read > 0) is reads_system


def test_thinking_cannot_hold_the_marker(accounts: CacheAccounts) -> None:
    assistant = {"role": "assistant", "content": [text(LOREM)]}
    request = asking(text("a"), cache_control=SHORT)
    request["messages"] += [assistant, {"role": "user", "content": "b"}]
    account = charge(accounts, request)
    assert account.input_tokens == 0


def test_memory_is_bounded(accounts: CacheAccounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_accounts, "MOST_ENTRIES", 3)
    for number in range(5):
        charge(accounts, asking(text(f"{LOREM} {number}", SHORT)))
    assert len(accounts) == 3
    assert charge(accounts, asking(text(f"{LOREM} 4", SHORT))).read_tokens > 0
    assert charge(accounts, asking(text(f"{LOREM} 0", SHORT))).read_tokens == 0


def test_turns_over_http_are_accounted_for_in_usage() -> None:
    clock = Clock()
    with (
        Simulator(seconds_per_event=0, clock=clock) as simulator,
        anthropic.Anthropic(base_url=simulator.base_url, api_key="k", max_retries=0) as client,
    ):
        messages: list[Any] = [{"role": "user", "content": LOREM}]
        prompts: list[int] = []
        for _ in range(3):
            with client.messages.stream(
                model="claude-opus-5-5",
                max_tokens=200,
                messages=messages,
                cache_control={"type": "ephemeral"},
            ) as stream:
                message = stream.get_final_message()
            usage = message.usage
            assert usage.cache_creation
            written, read = usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens or 0
            assert usage.cache_creation.ephemeral_5m_input_tokens == written
            assert read == (prompts[-1] if prompts else 0)
            prompts.append(usage.input_tokens + written + read)
            counted = client.messages.count_tokens(model="claude-opus-5-5", messages=messages)
            assert counted.input_tokens == prompts[-1]
            messages += [message.to_param(), {"role": "user", "content": "Go on"}]
        clock.now += 301
        late = client.messages.create(model="claude-opus-5-5", max_tokens=200, messages=messages)
        assert late.usage.cache_read_input_tokens == 0
