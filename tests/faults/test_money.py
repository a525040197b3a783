"""Budgets while many send at once, and after a process was killed with reservations open."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from tests.faults.conftest import Found, Scale
from tests.faults.crowds import at_once
from tests.servers import Serve, Server
from tests.support import Api

SHARE_THAT_FITS = 5  # a fifth of the sends
ANSWERS_BROKEN_OFF = 5
SLOW = "[[reply: words=40 seconds_per_event=0.5]]"
LONGEST_RECOVERY_SECONDS = 60


def started(serve: Serve, database_url: str, **settings: str) -> Server:
    is_sqlite = database_url.startswith("sqlite")
    workers = "1" if is_sqlite else "4"
    return serve(DATABASE_URL=database_url, COLLOQUY_WORKERS=workers, **settings).wait_until_ready()


def member(server: Server) -> tuple[Api, str]:
    """A new person's access, and their id."""
    with server.access() as root:
        user_id = root.post("/users", json={"name": "Eve", "role": "member"}).json()["id"]
        key = root.post("/keys", json={"name": "test", "user_id": user_id}).json()["key"]
    return server.access(key), user_id


def put(server: Server, user_id: str, nano_usd: int) -> None:
    with server.access() as root:
        limit = {"limit_nano_usd": nano_usd, "period": "month", "time_zone": "Europe/Paris"}
        assert root.put(f"/budgets/user:{user_id}", json=limit).status_code == 200


def standing(api: Api, user_id: str) -> dict[str, Any]:
    budgets = api.get("/budgets").json()["data"]
    return dict(next(one for one in budgets if one["scope"] == f"user:{user_id}"))


def test_parallel_sends_never_pass_a_budget_that_holds_a_part_of_them(
    serve: Serve, database_url: str, scale: Scale, found: Found
) -> None:
    server = started(serve, database_url)
    api, user_id = member(server)
    sends, fit = scale.sends_at_once, scale.sends_at_once // SHARE_THAT_FITS
    plan = api.post(f"/sessions/{api.session()}/preflight", json={"content": SLOW}).json()
    limit = fit * plan["cost"]["greatest_nano_usd"]
    put(server, user_id, limit)

    def send() -> int:
        with server.access(api.headers["Authorization"].removeprefix("Bearer ")) as one:
            return one.post("/messages", json={"content": SLOW}, timeout=120).status_code

    statuses = Counter(at_once([send] * sends))
    now = standing(api, user_id)
    settled = api.get("/usage").json()["total"]["cost_nano_usd"]
    assert statuses == {201: fit, 402: sends - fit}
    assert (now["spent_nano_usd"], now["reserved_nano_usd"]) == (settled, 0)
    assert settled <= limit
    found(
        f"{sends} sends at once with a budget for {fit}: {statuses[201]} answered, {statuses[402]} refused, "
        f"{settled} of {limit} nano-USD spent"
    )
    api.close()


def test_a_killed_process_leaves_the_budget_right_again_within_a_minute(
    serve: Serve, database_url: str, found: Found
) -> None:
    server = started(serve, database_url)
    api, user_id = member(server)
    put(server, user_id, 10**12)
    for _ in range(ANSWERS_BROKEN_OFF):
        with api.sending(api.session(), SLOW) as chunks:
            next(chunks)
    assert standing(api, user_id)["reserved_nano_usd"] > 0
    server.kill()
    began = time.monotonic()
    server = started(serve, database_url)
    with server.access(api.headers["Authorization"].removeprefix("Bearer ")) as again:
        while standing(again, user_id)["reserved_nano_usd"]:
            assert time.monotonic() - began < LONGEST_RECOVERY_SECONDS
            time.sleep(0.2)
        seconds = time.monotonic() - began
        spent = standing(again, user_id)["spent_nano_usd"]
        total = again.get("/usage").json()["total"]
    assert (total["cost_nano_usd"], total["calls"]) == (spent, ANSWERS_BROKEN_OFF)
    assert spent > 0
    found(f"{ANSWERS_BROKEN_OFF} answers broken off by kill -9: the budget right again {seconds:.1f} s later")
    api.close()
