"""Makes the calls of a scenario with the library in PYTHONPATH: segment-analytics-python or RudderStack's."""

import atexit
import importlib
import json
import re
import sys
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

_KINDS: dict[str, Callable[[str], Any]] = {
    "$number": float,
    "$exact": Decimal,
    "$date": datetime.fromisoformat,
}
"""What JSON cannot say, and a scenario says as {"$date": "2026-01-02T03:04:05Z"}."""


def _revive(value: dict[str, Any]) -> Any:
    for name, kind in _KINDS.items():
        if name in value:
            return kind(value[name])
    return value


def _spell(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def main() -> None:
    scenario = json.load(sys.stdin, object_hook=_revive)
    library = importlib.import_module(scenario["module"])
    errors: list[str] = []
    client = library.Client(
        scenario["key"],
        host=scenario["host"],
        on_error=lambda error, batch: errors.append(str(error)),
        # All in one batch, sent as soon as it is full, unless the options say otherwise.
        **{"upload_size": len(scenario["calls"]), "upload_interval": 10, **scenario["options"]},
    )
    for call in scenario["calls"]:
        arguments = {_spell(name): value for name, value in call.items()}
        getattr(client, arguments.pop("type"))(**arguments)
    if not client.sync_mode:
        client.flush()
        # What it does at the end waits for one more batch, as long as it does for any.
        atexit.unregister(client.join)
    print(json.dumps({"errors": errors}))


if __name__ == "__main__":
    main()
