"""/metrics over HTTP: what is counted, and that Prometheus can read it."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable

import pytest

from app.api.examples import PRICE
from tests.figures import OPEN_METRICS, scraped, since
from tests.support import Api

SLOW = "[[reply: words=20 seconds_per_event=0.05]]"
OURS = 'model="claude-sonnet-5-5"'
PROMTOOL = shutil.which("promtool")


def test_prometheus_own_parsers_take_it(admin: Api) -> None:
    admin.say(admin.session(), "Hello")
    plain, opened = scraped(admin), scraped(admin, OPEN_METRICS)
    assert plain['turns_total{status="complete"}'] >= 1
    assert {one for one in opened if "turns_total" in one} == {one for one in plain if "turns_total" in one}
    assert admin.get("/metrics").headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_has_nothing_against_it(admin: Api) -> None:
    admin.say(admin.session(), "Hello")
    text = admin.get("/metrics").text
    done = subprocess.run(
        [str(PROMTOOL), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_turn_is_counted_with_its_tokens_its_cost_and_the_wait_for_it(api: Api, admin: Api) -> None:
    before = scraped(admin)
    message = api.say(api.session(), "Hello")
    usage = message["usage"]
    cost = api.get(f"/messages/{message['id']}/receipt").json()["cost_nano_usd"]
    found = since(admin, before)
    assert found['turns_total{status="complete"}'] == 1
    assert found["first_event_seconds_count"] == 1
    assert 0 < found["first_event_seconds_sum"] < 10
    for one in ("input", "cache_read", "cache_write_5m", "output"):
        assert found[f'tokens_total{{class="{one}",{OURS}}}'] == usage[f"{one}_tokens"], one
    assert found[f'cost_usd_total{{{OURS},purpose="message"}}'] == pytest.approx(cost / 1e9)


def test_what_claude_refuses_is_counted_by_code_and_so_is_each_new_try(api: Api, admin: Api) -> None:
    before = scraped(admin)
    session_id = api.session()
    api.say(session_id, f"{session_id} [[fault: status=529 times=1]]")
    assert api.post("/messages", json={"content": "[[fault: status=400]]"}).status_code == 422
    found = since(admin, before)
    assert found['upstream_errors_total{code="upstream_overloaded"}'] == 1
    assert found['upstream_errors_total{code="upstream_rejected"}'] >= 1
    assert found['upstream_retries_total{code="upstream_overloaded"}'] == 1
    assert found['turns_total{status="complete"}'] == found['turns_total{status="failed"}'] == 1


def test_what_a_person_stops_is_no_error_of_claudes(api: Api, admin: Api) -> None:
    session_id, before = api.session(), scraped(admin)
    with api.sending(session_id, SLOW) as chunks:
        next(chunks)
        assert api.post(f"/messages/{api.path(session_id)[-1]['id']}/cancel", json={}).status_code == 200
    found = since(admin, before)
    assert found['turns_total{status="cancelled"}'] == 1
    assert [one for one in found if one.startswith("upstream_errors")] == []


def test_a_stream_counts_as_open_while_it_is_read(api: Api, admin: Api) -> None:
    before = scraped(admin)["open_streams"]
    with api.sending(api.session(), SLOW) as chunks:
        next(chunks)
        assert scraped(admin)["open_streams"] == before + 1
        for _ in chunks:
            pass
    for _ in range(100):
        if scraped(admin)["open_streams"] == before:
            break
        time.sleep(0.02)
    assert scraped(admin)["open_streams"] == before


def test_a_budget_that_refuses_is_counted_by_what_it_is_of(api: Api, admin: Api) -> None:
    session_id, before = api.session(), scraped(admin)
    limit = {"limit_usd": "0.000001", "period": "total"}
    assert api.put(f"/budgets/session:{session_id}", json=limit).status_code == 200
    assert api.send_to(session_id, "Hello").status_code == 402
    assert since(admin, before)['budget_refusals_total{scope="session"}'] == 1


def test_requests_are_counted_by_route_and_never_by_address(api: Api, admin: Api) -> None:
    session_id, before = api.session(), scraped(admin)
    api.get(f"/sessions/{session_id}")
    api.get("/secret/of/mine")
    api.request("BREW", "/sessions")
    time.sleep(0.1)  # a request is counted after it was answered
    found = since(admin, before)
    route = 'method="GET",route="/sessions/<id:session_id>"'
    assert found[f'requests_total{{{route},status="200"}}'] == found[f"request_seconds_count{{{route}}}"] == 1
    assert found['requests_total{method="GET",route="other",status="404"}'] == 1
    assert any('method="other"' in one for one in found)


def test_labels_hold_nothing_that_somebody_wrote(api: Api, admin: Api, knock: Callable[..., Api]) -> None:
    api.say(api.session(title="Mine"), "Hello")
    assert admin.put("/prices/claude-of-mine", json=PRICE).status_code == 200
    api.post("/messages", json={"content": "Hello", "model": "claude-of-mine"})
    text = admin.get("/metrics").text
    assert not re.search(r"(ses|msg|usr|key|req|chg)_\w{6}|Mine|of-mine|Ada", text)


def test_only_an_admin_may_read_it(api: Api, admin: Api, knock: Callable[..., Api]) -> None:
    assert api.get("/metrics").status_code == 403
    assert knock("Prometheus", "admin", ["admin"]).get("/metrics").status_code == 200
