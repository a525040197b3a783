"""Tools from outside."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.tools.built_in import built_in
from app.tools.loading import Sources, begin
from tests.tools.hosting import ENVIRON, LIMITS, call, folder_of, loaded


def test_without_sources_there_is_what_was_given_at_once_and_no_process() -> None:
    before = psutil.Process().children(recursive=True)
    registry = begin(Sources(), built_in())
    assert registry.wait(0)
    assert [*registry.tools] == ["current_time", "calculate"]
    assert psutil.Process().children(recursive=True) == before
    registry.close()


def test_loading_is_not_waited_for(tmp_path: Path) -> None:
    began_at = time.monotonic()
    registry = begin(Sources(folder=folder_of(tmp_path), environ=ENVIRON), built_in())
    assert time.monotonic() - began_at < 0.2
    assert "book" not in registry.tools
    assert registry.wait(30)
    assert "book" in registry.tools
    registry.close()


def test_closing_does_not_wait_for_what_is_still_loading(tmp_path: Path) -> None:
    registry = begin(Sources(folder=folder_of(tmp_path, endless="while True: pass"), environ=ENVIRON), ())
    time.sleep(1)
    began_at = time.monotonic()
    registry.close()
    assert time.monotonic() - began_at < 4
    assert registry.wait(10)


def test_names_in_the_settings_need_approval_whatever_the_file_says(tmp_path: Path) -> None:
    with loaded(folder=folder_of(tmp_path), approval=frozenset({"wait"})) as registry:
        assert {name for name, one in registry.tools.items() if one.needs_approval} == {"book", "wait"}


@pytest.mark.parametrize("has_folder", [True, False])
def test_a_name_in_the_settings_that_is_no_tool_is_said(
    tmp_path: Path, has_folder: bool, caplog: pytest.LogCaptureFixture
) -> None:
    where = folder_of(tmp_path) if has_folder else ""
    with loaded(folder=where, approval=frozenset({"bok", "book"} if has_folder else {"bok"})):
        pass
    assert caplog.text.count("COLLOQUY_TOOLS_APPROVAL names what is no tool: bok\n") == 1


def test_files_that_cannot_be_loaded_are_logged_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    where = folder_of(
        tmp_path,
        broken="def f(:",
        raising="raise ValueError('no such thing')",
        leaving="import os\nos._exit(0)",
        endless="while True: pass",
        wrong_approval="APPROVAL = ['nothing']",
        twice="def book() -> str:\n    '''Book again.'''\n    return 'twice'",
        using="from _shared import hello\ndef greet() -> str:\n    '''Greet.'''\n    return hello",
        _shared="hello = 'Hello'",
        _broken="raise ValueError",
    )
    with caplog.at_level(logging.WARNING), loaded(replace(LIMITS, seconds=3), folder=where) as registry:
        assert call(registry, "greet").content == "Hello"
        assert registry.tools["book"].description == "Book a table."
    for says in (
        "the tools of broken.py could not be loaded: SyntaxError",
        "the tools of raising.py could not be loaded: ValueError: no such thing",
        "the tools of leaving.py could not be loaded: The tool ended before it answered.",
        "the tools of endless.py could not be loaded: The call took longer than 3 seconds and was given up.",
        "wrong_approval.py could not be loaded: ValueError: APPROVAL names what is no tool: nothing",
        "a function of dropped_in.py is no tool: without_a_docstring needs a docstring",
        "the tool book of folder is left out: there is one of this name from folder",
    ):
        assert says in caplog.text
    assert "_broken" not in caplog.text


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with loaded(folder=str(tmp_path / "nowhere")) as registry:
        assert registry.tools == {}
    assert "is not there: make it, or set COLLOQUY_TOOLS_FOLDER" in caplog.text


def test_a_registry_that_is_loaded_can_be_closed_from_any_thread(tmp_path: Path) -> None:
    with loaded(folder=folder_of(tmp_path)) as registry:
        closing = threading.Thread(target=registry.close)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()
        assert call(registry, "book", replace(LIMITS, seconds=0.5), day="Monday").is_error
