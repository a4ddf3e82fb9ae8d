"""The ceiling for a batch: decoding it and encoding it again, in a loop."""

import subprocess
import sys

from tests.bench import pinned
from tests.bench.wrk import Sample

_PROGRAM = """
import sys, time, msgspec
body, seconds, times = sys.stdin.buffer.read(), float(sys.argv[1]), 0
wall, cpu = time.perf_counter(), time.process_time()
while time.perf_counter() < wall + seconds:
    msgspec.json.encode(msgspec.json.decode(body))
    times += 1
print((time.perf_counter() - wall) / times * 1e6, (time.process_time() - cpu) / times * 1e6)
"""


def decode_and_encode(body: bytes, seconds: float) -> Sample:
    """Do it on the measured core, in a process of its own."""
    done = subprocess.run(
        [*pinned.run_on(pinned.MEASURED), sys.executable, "-c", _PROGRAM, str(seconds)],
        input=body,
        capture_output=True,
        check=True,
    )
    wall, cpu = map(float, done.stdout.split())
    return Sample(wall, cpu)
