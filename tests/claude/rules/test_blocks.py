"""Content blocks: their shapes, and whose they are."""

import base64
from typing import Any

import pytest

from app.claude import rules
from app.claude.rules.blocks import image_type

PNG_BYTES = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def image(**source: Any) -> dict[str, Any]:
    base = {"type": "base64", "media_type": "image/png", "data": encoded(PNG_BYTES)}
    return {"type": "image", "source": {**base, **source}}


def pdf(**source: Any) -> dict[str, Any]:
    base = {"type": "base64", "media_type": "application/pdf", "data": encoded(b"%PDF-1.7")}
    return {"type": "document", "source": {**base, **source}}


def found(block: dict[str, Any], role: str = "user", model: str = "claude-opus-5-5") -> list[str]:
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Hello"},
        {"role": role, "content": [block]},
    ]
    if role == "assistant":
        messages[1]["content"].append({"type": "text", "text": "Done."})
        messages.append({"role": "user", "content": "Go on"})
    request = {"model": model, "max_tokens": 100, "messages": messages}
    return [str(violation) for violation in rules.violations(request)]


AT = "messages.1.content.0"


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "Hello", "cache_control": None, "citations": None},
        image(),
        image(media_type="image/gif", data=encoded(b"GIF89a....")),
        image(media_type="image/jpeg", data=encoded(b"\xff\xd8\xff\xe0")),
        image(media_type="image/webp", data=encoded(b"RIFF\0\0\0\0WEBP")),
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {**pdf(), "title": "A title", "context": None, "citations": {"enabled": True}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Some text"}},
        {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Part"}]}},
        {
            "type": "search_result",
            "source": "https://example.org",
            "title": "Found",
            "content": [{"type": "text", "text": "Part"}],
        },
        {"type": "container_upload", "file_id": "file_1"},
    ],
)
def test_blocks_a_user_may_send_are_taken(block: dict[str, Any]) -> None:
    assert found(block) == []


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "Yes"},
        {"type": "thinking", "thinking": "", "signature": "abc"},
        {"type": "redacted_thinking", "data": "abc"},
    ],
)
def test_blocks_of_an_assistant_are_taken_back(block: dict[str, Any]) -> None:
    assert found(block, "assistant") == []


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "text"}, f"{AT}.text: Field required"),
        ({"type": "text", "text": ""}, f"{AT}.text: text content blocks must be non-empty"),
        ({"type": "text", "text": "\n "}, f"{AT}.text: text content blocks must contain non-whitespace text"),
        ({"type": "text", "text": 5}, f"{AT}.text: Input should be a valid string"),
        ({"type": "text", "text": "a", "size": 1}, f"{AT}.size: Extra inputs are not permitted"),
        ({"text": "a"}, f"{AT}: Unable to extract tag using discriminator 'type'"),
        (image(media_type="image/tiff"), None),
        (image(data="%%%"), f"{AT}.source.data: Invalid base64 data"),
        (image(data=""), f"{AT}.source.data: data cannot be empty"),
        (image(data=5), f"{AT}.source.data: Input should be a valid string"),
        (image(data=encoded(b"not an image")), f"{AT}.source: Could not process image"),
        (
            image(media_type="image/jpeg"),
            f"{AT}.source: The image was specified using the image/jpeg media type, "
            "but the image appears to be a image/png image",
        ),
        ({"type": "image", "source": {"type": "url", "url": "http://a.b"}}, None),
        ({"type": "image", "source": {"type": "url"}}, f"{AT}.source.url: Field required"),
        (pdf(media_type="image/png"), f"{AT}.source.media_type: Input should be 'application/pdf'"),
        (pdf(data=encoded(b"no pdf")), f"{AT}.source.data: The PDF specified was not valid."),
        ({"type": "tool_use", "id": "a", "name": "b", "input": {}}, None),
        ({"type": "thinking", "thinking": "", "signature": "a"}, None),
    ],
)
def test_wrong_blocks_of_a_user_are_refused(block: dict[str, Any], message: str | None) -> None:
    assert found(block) if message is None else found(block)[0] == message


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "thinking", "thinking": ""}, f"{AT}.signature: Field required"),
        ({"type": "thinking", "signature": "a"}, f"{AT}.thinking: Field required"),
        (
            {"type": "thinking", "thinking": "", "signature": "a", "cache_control": {"type": "ephemeral"}},
            f"{AT}.cache_control: Extra inputs are not permitted",
        ),
        (image(), f"{AT}: `image` blocks can only be in `user` messages"),
        (pdf(), f"{AT}: `document` blocks can only be in `user` messages"),
    ],
)
def test_wrong_blocks_of_an_assistant_are_refused(block: dict[str, Any], message: str) -> None:
    assert found(block, "assistant")[0] == message


def test_an_unknown_block_is_refused_with_the_known_ones() -> None:
    [message] = found({"type": "hologram"})
    assert message.startswith(f"{AT}: Input tag 'hologram' found using 'type' does not match any")


@pytest.mark.parametrize(
    ("content", "kind"), [(PNG_BYTES, "image/png"), (b"RIFF\0\0\0\0WAVE", None), (b"", None)]
)
def test_an_image_is_known_by_its_first_bytes(content: bytes, kind: str | None) -> None:
    assert image_type(content) == kind
