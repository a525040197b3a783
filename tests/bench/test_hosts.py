"""Hosts to run servers on: two of them, and nothing left of them."""

from __future__ import annotations

import subprocess

import pytest

from bench.cluster import hosts


def test_without_namespaces_there_are_two_hosts_on_loopback() -> None:
    ground = hosts.ground()
    assert all(one.address.startswith("127.0.0.") for one in (ground.middle, *ground.hosts))
    assert [one.prefix for one in ground.hosts] == [(), ()]
    assert "loopback" in ground.says


def test_namespaces_are_gone_when_what_ran_in_them_has_ended() -> None:
    if not hosts.may_make_namespaces():
        pytest.skip("namespaces need Linux, root and `ip`")
    assert hosts.run_in_namespaces("platform", []) == 0
    command = ["ip", "netns", "list"]
    left = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"{hosts.lab_name()}-" not in left
