"""A webhook's other side in a process of its own: `python -m benchmarks.receiver PORT FILE`.

Writes a line for each request: the moment it came by the machine's monotonic clock, which all processes share, and the
body. It answers with as little as HTTP allows, so that it is not what is measured.
"""

import asyncio
import sys
import time
from pathlib import Path

_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


async def _serve(port: int, file: Path) -> None:
    with file.open("w", buffering=1) as log:

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = next(
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length:")
                    )
                    body = await reader.readexactly(length)
                    log.write(f"{time.monotonic()} {body.decode().replace(chr(10), ' ')}\n")
                    writer.write(_ANSWER)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        async with await asyncio.start_server(take, "127.0.0.1", port) as server:
            await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
