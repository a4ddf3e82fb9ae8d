"""A steady stream: so many requests a second whatever the answers take, and how long each took."""

import asyncio
import time
from collections.abc import Callable


async def stream(
    port: int, path: str, body: Callable[[], bytes], rate: float, seconds: float, connections: int
) -> list[float]:
    """Seconds from the moment each request was due until it was answered with 200."""
    took: list[float] = []
    due: asyncio.Queue[float | None] = asyncio.Queue()

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (moment := await due.get()) is not None:
            text = body()
            head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(text)}\r\n\r\n"
            writer.write(head.encode() + text)
            status = await reader.readuntil(b"\r\n\r\n")
            length = int(status.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            if not status.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(status.decode())
            took.append(time.perf_counter() - moment)
        writer.close()

    clients = [asyncio.create_task(client()) for _ in range(connections)]
    start = time.perf_counter()
    for number in range(int(rate * seconds)):
        moment = start + number / rate
        await asyncio.sleep(moment - time.perf_counter())
        due.put_nowait(moment)
    for _ in clients:
        due.put_nowait(None)
    await asyncio.gather(*clients)
    return sorted(took)
