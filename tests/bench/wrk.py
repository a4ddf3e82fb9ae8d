"""The closed loop: connections that each send the next request as soon as the last one is answered."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.bench import cpu, request
from tests.bench.events import MARK
from tests.bench.pinned import Server

CONNECTIONS = 32

_SCRIPT = """
local file = io.open("{file}", "rb")
local text = file:read("*a")
file:close()
local parts, start = {{}}, 1
while true do
  local from, to = text:find("{mark}", start, true)
  parts[#parts + 1] = text:sub(start, (from or 0) - 1)
  if not from then break end
  start = to + 1
end
local number = {first}
request = function()
  number = number + 1
  return table.concat(parts, string.format("%0{digits}.0f", number))
end
"""


class Sample(NamedTuple):
    """Microseconds a request, or an event."""

    wall: float
    cpu: float
    """Of the server, in all its threads."""

    def shared(self, events: int) -> "Sample":
        """The same for each of a request's events."""
        return Sample(self.wall / events, self.cpu / events)


def load(
    server: Server, path: str, body: bytes, seconds: int, folder: Path, connections: int = CONNECTIONS
) -> Sample:
    """Let one wrk send as fast as it is answered; RuntimeError if anything is answered but 200."""
    file, script = folder / "request", folder / "post.lua"
    request.write(file, path, body)
    script.write_text(_SCRIPT.format(file=file, mark=MARK, digits=len(MARK), first=request.first_number()))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script)]
    before = cpu.seconds(server.pid)
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{server.port}"], capture_output=True, text=True, check=True
    )
    used = cpu.seconds(server.pid) - before
    answered = re.search(r"(\d+) requests in", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if not answered or not rate or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"wrk: {done.stdout}")
    return Sample(1e6 / float(rate[1]), used / int(answered[1]) * 1e6)
