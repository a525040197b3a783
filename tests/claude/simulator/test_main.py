"""The simulator run alone."""

import threading

import httpx2
import pytest

from app.claude.simulator.__main__ import main


class CtrlC(threading.Event):
    """An event that is interrupted as soon as it is waited for."""

    def wait(self, timeout: float | None = None) -> bool:
        raise KeyboardInterrupt


def test_it_says_how_to_use_it_and_ends_cleanly(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--port", "0", "--seconds-per-event", "0"], forever=CtrlC())
    said = capsys.readouterr().out
    assert "listens on http://127.0.0.1:" in said
    assert said.splitlines()[-1].startswith("ANTHROPIC_BASE_URL=http://127.0.0.1:")
    assert said.splitlines()[-1].endswith(" ANTHROPIC_API_KEY=anything")
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(said.split("ANTHROPIC_BASE_URL=")[1].split()[0])
