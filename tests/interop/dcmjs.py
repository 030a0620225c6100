"""dcmjs-dimse as a client: js/client.mjs under Node.js."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.interop.programs import program

CLIENT = Path(__file__).parent / "js" / "client.mjs"


def dcmjs(port: int, *words: object, **call: object) -> list[dict[str, Any]]:  # Any: data set elements as JSON
    """Runs the client over one association and returns its responses; `words` and `call` as client.mjs has them."""
    finished = subprocess.run(
        [program("node"), CLIENT, json.dumps({"port": port, **call}), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines() if line.startswith('{"status"')]
