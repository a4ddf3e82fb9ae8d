"""A program with a file size limit: it prints what was acknowledged, and the error when nothing is."""

import json
import resource
import signal
import sys
from pathlib import Path

from gateway import logs
from gateway.errors import JournalUnavailable
from tests.build import event_line, open_partition

DEFAULT_SLICE_BYTES = 1024 * 1024  # bytes


def main(folder: Path) -> None:
    """Commit single events until one fails, then once more without the limit."""
    logs.configure()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    partition = open_partition(folder, largest=2**30)
    partition.write([event_line(0)])
    acknowledged, number = [0], 1
    refusals: list[str] = []
    resource.setrlimit(resource.RLIMIT_FSIZE, (DEFAULT_SLICE_BYTES, most))
    while not refusals:
        try:
            partition.write([event_line(number, properties={"filler": "x" * 50_000})])
            acknowledged.append(number)
        except JournalUnavailable as trouble:
            refusals.append(str(trouble))
        number += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    partition.write([event_line(number)])
    partition.close()
    print(json.dumps({"acknowledged": [*acknowledged, number], "refusals": refusals}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
