"""schemathesis over the whole API: no 5xx, no undocumented status, no breach of a schema.

A quick form runs with all tests; `make fuzz` runs a long one. Two of its checks are left out. That whatever
fits the schema is accepted: a cursor nobody gave, or an image that is none, fits the schema and is refused
all the same. And that a session which was made is found: 404 is also for a message that its body names.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import Api

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "5")


def test_the_api_keeps_to_its_document(api: Api, server_url: str, tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{server_url}/openapi.json"),
        *("--header", f"Authorization: {api.headers['Authorization']}"),
        *("--exclude-checks", "positive_data_acceptance,ensure_resource_availability"),
        *(
            "--max-examples",
            EXAMPLES,
            "--seed",
            "1",
            "--request-timeout",
            "20",
            "--no-color",
            "--suppress-health-check",
            "all",
        ),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]
