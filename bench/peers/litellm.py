"""LiteLLM's proxy as its pages advise for production: one worker, no database, errors alone are logged."""

from __future__ import annotations

import json
from pathlib import Path

from bench.peers.environments import programs_of
from bench.servers import Program
from bench.targets import LITELLM, MODEL, PEER_KEY

SETTINGS = {
    "LITELLM_LOG": "ERROR",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # or its start would wait for the network
}


def program(port: int, upstream_url: str, directory: Path) -> Program:
    """How it is started; its configuration is written into the directory."""
    file = directory / "litellm.yaml"
    file.write_text(json.dumps(configuration(upstream_url)))  # which is YAML too
    options = {"config": file, "host": "127.0.0.1", "port": port, "num_workers": 1}
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return Program(LITELLM, [programs_of("litellm") / "litellm", *arguments], SETTINGS)


def configuration(upstream_url: str) -> dict[str, object]:
    """One model, upstream's; a request that fails is not tried again, for a benchmark must see that."""
    route = {"model": f"anthropic/{MODEL}", "api_base": upstream_url, "api_key": "bench"}
    return {
        "model_list": [{"model_name": MODEL, "litellm_params": route}],
        "general_settings": {"master_key": PEER_KEY},
        "router_settings": {"num_retries": 0},
        "litellm_settings": {"num_retries": 0, "telemetry": False, "request_timeout": 600},
    }
