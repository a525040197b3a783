"""A file of tools as somebody may drop it in: some do as they should, most do not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Annotated

from pydantic import Field

APPROVAL = ["book"]
SECRET = "hunter2-the-password"
SLEEP = ["/bin/sleep", "1000"]
calls = [0]


def book(day: str, guests: Annotated[int, Field(ge=1, le=12)] = 2) -> str:
    """Book a table.

    Args:
        day: A day of the week.
    """
    return f"{guests} on {day}"


async def wait(seconds: float) -> float:
    """Wait for some seconds."""
    time.sleep(seconds)
    return seconds


def loop() -> None:
    """Never end."""
    while True:
        pass


def write(characters: int) -> str:
    """Write a lot."""
    return "a" + "x" * (characters - 2) + "b"


def take_all_memory() -> int:
    """Take more than there is."""
    kept = []
    while True:
        kept.append(bytearray(50_000_000))


def flood() -> None:
    """Write where only the answer belongs, without an end."""
    while True:
        os.write(3, b"x" * 65_536)


def fail() -> None:
    """Tell a secret."""
    raise ValueError(f"it did not work with {SECRET} at postgresql://ada:{SECRET}@db")


def fail_to_say() -> None:
    """Fail, and fail to say why."""

    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    raise Silent


def leave_a_thread() -> str:
    """Start a thread that won't end."""
    threading.Thread(target=loop).start()
    return "begun"


def leave_programs() -> str:
    """Start programs that won't end: some stay in the group, some leave it, some leave their parent too."""
    subprocess.Popen(SLEEP)
    subprocess.Popen(SLEEP, start_new_session=True)
    subprocess.run(["/bin/sh", "-c", "setsid sleep 1000 & sleep 1000 &"], check=True)
    return "begun"


def stay_with_programs() -> None:
    """Start a program that won't end, and don't end."""
    leave_programs()
    loop()


def leave() -> None:
    """End the process."""
    os._exit(0)


def leave_politely() -> None:
    """End the process as one should."""
    sys.exit(3)


def crash() -> None:
    """Be killed."""
    os.kill(os.getpid(), 11)


def recurse() -> None:
    """Call itself."""
    recurse()


def count() -> int:
    """Change what is global, and count its calls."""
    calls[0] += 1
    os.environ["CALLED"] = "yes"
    sys.modules.pop("json", None)
    return calls[0]


def look_around() -> dict[str, object]:
    """What can be had of the server from in here."""
    files = [
        os.path.realpath(f"/proc/self/fd/{one}")
        for one in range(50)
        if os.path.exists(f"/proc/self/fd/{one}")
    ]
    return {
        "environ": dict(os.environ),
        "folder": os.getcwd(),
        "files": files,
        "modules": [one for one in sys.modules if one[:4] == "app."],
    }


def forge() -> None:
    """Answer what is no answer."""
    os.write(3, b'{"long": 3}\n')
    time.sleep(60)


def forge_deeply() -> None:
    """Answer what cannot be read."""
    os.write(3, b"[" * 200_000 + b"\n")


def without_a_docstring(one: str) -> None:
    pass


def _of_its_own() -> None:
    """Not for Claude."""
