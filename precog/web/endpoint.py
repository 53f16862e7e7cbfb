"""What an address is answered by, and the body it may bring."""

from asyncio import timeout
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

Endpoint = Callable[[Request], Awaitable[Response]]

BODY_LIMIT = 16 * 1024
_SECONDS = 10.0


async def limited_body(request: Request) -> bytes:
    """The body, if it is of a sensible size and comes in time; else the request ends here."""
    body = bytearray()
    try:
        async with timeout(_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise HTTPException(413)
    except TimeoutError:
        raise HTTPException(408) from None
    except ClientDisconnect:
        raise HTTPException(400) from None
    return bytes(body)
