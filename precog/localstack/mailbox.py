"""A mail server on loopback that keeps what it is given and refuses what it is told to refuse."""

# ruff: noqa: ARG002, N802 -- aiosmtpd calls the hooks by these names and with these arguments

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG = "hang"
DROP = "drop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    sender: str
    recipients: tuple[str, ...]
    content: EmailMessage
    raw: bytes


class Mailbox:
    """`letters` holds what was accepted. `refuse("RCPT", "450 later")` answers the next such command so, once.

    The reply may also be HANG (no answer) or DROP (the connection ends). `login` is asked for behind STARTTLS only.
    """

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.letters: list[Letter] = []
        self._replies: dict[str, list[str]] = {}
        self._arrived = threading.Condition()
        self._starttls, self._tls, self._login = starttls, tls, login
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._listen())
        self.port = int(self._server.sockets[0].getsockname()[1])
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def refuse(self, command: str, reply: str) -> None:
        self._replies.setdefault(command, []).append(reply)

    def wait_for(self, count: int, seconds: float = 10.0) -> list[Letter]:
        """The letters so far, once there are `count` of them; TimeoutError when they do not come."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.letters) >= count, seconds):
                raise TimeoutError(f"{len(self.letters)} of {count} letters came within {seconds} s")
            return list(self.letters)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._session, "127.0.0.1", 0, ssl=self._tls)

    def _session(self) -> SMTP:
        return SMTP(
            self,
            hostname="mailbox.localhost",
            ident="Precog mailbox",
            loop=self._loop,
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            auth_required=self._login is not None,
            authenticator=self._authenticate,
        )

    async def _stop(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: object) -> AuthResult:
        given = (data.login.decode(), data.password.decode()) if isinstance(data, LoginPassword) else None
        return AuthResult(success=given == self._login, handled=False)

    async def _scripted(self, server: SMTP, command: str) -> str | None:
        """The reply this command was told to give, if any."""
        replies = self._replies.get(command)
        reply = replies.pop(0) if replies else None
        if reply == HANG:
            await asyncio.Event().wait()
        if reply == DROP and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        return reply

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (reply := await self._scripted(server, "MAIL")) is not None:
            return reply
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (reply := await self._scripted(server, "RCPT")) is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if (reply := await self._scripted(server, "DATA")) is not None:
            return reply
        raw = envelope.original_content or b""
        content = message_from_bytes(raw, policy=policy.default)
        letter = Letter(sender=str(envelope.mail_from), recipients=tuple(envelope.rcpt_tos), content=content, raw=raw)
        with self._arrived:
            self.letters.append(letter)
            self._arrived.notify_all()
        return f"250 2.0.0 queued as {len(self.letters)}"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return await self._scripted(server, "QUIT") or "221 Bye"


@contextmanager
def mailbox(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    login: tuple[str, str] | None = None,
) -> Iterator[Mailbox]:
    running = Mailbox(starttls=starttls, tls=tls, login=login)
    try:
        yield running
    finally:
        running.close()
