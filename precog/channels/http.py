"""The only door to HTTP: one bounded exchange, an answer that is a status, and what each status means."""

import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import BaseHTTPResponse, HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from precog.channels.transport import Exchange, exchange, guarded_pools
from precog.domain.redact import short_reason
from precog.errors import (
    ChannelMisconfigured,
    PermanentFailure,
    RateLimited,
    SendFailure,
    TransientFailure,
    UnknownOutcome,
)

BODY_LIMIT = 64 * 1024
"""Bytes of an answer that are read where nobody wants more. It is asked for unpacked and never unpacked here."""
PAUSE_LIMIT = 3600.0
"""Seconds: a longer Retry-After is not believed."""
_SECONDS = 10.0
_HEADERS = {"User-Agent": "Precog", "Accept": "*/*", "Accept-Encoding": "identity"}
_THROTTLES = frozenset({429, 502, 503, 504})
_SURELY_NOT_DONE = frozenset({408, 421, 425, 429, 503})
_TRIES = 3
"""For answers that a deployment of the receiver may cause and its end may cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: str
    """As much of it as was wanted; nothing when the connection broke or time was up behind the headers."""
    retry_after: float | None

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class Door:
    """Exchanges with one service. Connections stay open between messages; cookies, proxies and netrc play no part.

    `secrets` never show in what is raised, nor do URLs.
    """

    def __init__(
        self,
        *,
        secrets: Sequence[str] = (),
        allow_private: bool = True,
        ca_file: Path | None = None,
        seconds: float = _SECONDS,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self._pools = guarded_pools(str(ca_file or DEFAULT_CA_BUNDLE_PATH))
        self._secrets = tuple(secrets)
        self._allow_private = allow_private
        self._seconds = seconds
        self._body_limit = body_limit
        self._once: dict[str, Any] = {
            "timeout": seconds,
            "retries": False,
            "redirect": False,
            "preload_content": False,
            "decode_content": False,
        }
        self._places: dict[str, tuple[HTTPConnectionPool, str]] = {}
        """By URL: the connections to its host, and what to ask that for."""

    def send(self, request: requests.Request) -> Answer:
        """Raises TransientFailure when surely nothing arrived, UnknownOutcome when no status came back."""
        request.headers = {**_HEADERS, **request.headers}
        asked = request.prepare()
        return self._answer(
            lambda: self._pools.urlopen(
                asked.method or "", asked.url or "", body=asked.body, headers=asked.headers, **self._once
            )
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """As `send`, always to the same few URLs: what a URL means is looked up once, which takes as long as a send."""
        if url not in self._places:
            parts = parse_url(requests.Request("POST", url).prepare().url or "")
            pool = self._pools.connection_from_host(parts.host, parts.port, parts.scheme)
            self._places[url] = pool, parts.request_uri
        pool, path = self._places[url]
        return self._answer(
            lambda: pool.urlopen("POST", path, body=body, headers={**_HEADERS, **headers}, **self._once)
        )

    def _answer(self, ask: Callable[[], BaseHTTPResponse]) -> Answer:
        with exchange(self._seconds, allow_private=self._allow_private) as current:
            try:
                response = ask()
            except (HTTPError, OSError, ValueError) as error:
                raise self._failure(error, current) from None
            with closing(response):  # one read to its end is back in the pool by then, and stays open there
                if current.deadline.cut:  # http.client takes headers that were cut off for complete ones
                    raise self._failure(TimeoutError(), current)
                return _answer(response, self._body_limit)

    def explain(self, answer: Answer) -> str:
        """What a person needs to see of a refusal, without secrets."""
        return short_reason(f"answered {answer.status} {answer.body}", self._secrets)

    def close(self) -> None:
        self._places.clear()  # which would hold their connections open
        self._pools.clear()

    def _failure(self, error: Exception, current: Exchange) -> SendFailure:
        fault = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
        if fault is not None:
            reason = f"the server's certificate is not valid: {fault.verify_message}"
            return ChannelMisconfigured(short_reason(reason, self._secrets), code="certificate")
        if current.deadline.passed:
            return UnknownOutcome(f"no answer within {self._seconds:.0f} s", code="timeout")
        return UnknownOutcome("the connection ended without an answer", code="no_answer")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: urllib3 passes on what happened as an argument or a reason."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None)):
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def _answer(response: BaseHTTPResponse, limit: int) -> Answer:
    """Read what is wanted of the answer. A status that came stays a status, however its body ends."""
    try:
        body = response.read(limit, decode_content=False)
    except (HTTPError, OSError):
        body = b""
    return Answer(
        status=response.status,
        body=body.decode("utf-8", "replace"),
        retry_after=retry_after(response.headers.get("Retry-After"), now=datetime.now(UTC)),
    )


def retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds to wait, from either form of the header: a number of them, or a date."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return min(float(text), PAUSE_LIMIT)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:  # "-0000": a time in UTC whose zone is not known
        when = when.replace(tzinfo=UTC)
    return min(max(0.0, (when - now).total_seconds()), PAUSE_LIMIT)


def refusal(answer: Answer, reason: str, *, attempt: int) -> SendFailure:
    """What a status other than 2xx means where the service says nothing of its own."""
    code = str(answer.status)
    if answer.status == 429 or (answer.status in _THROTTLES and answer.retry_after is not None):
        return RateLimited(reason, code=code, retry_after=answer.retry_after)
    if answer.status in _SURELY_NOT_DONE:
        return TransientFailure(reason, code=code)
    if answer.status >= 500:
        return UnknownOutcome(reason, code=code)
    if attempt < _TRIES:
        return TransientFailure(reason, code=code)
    return PermanentFailure(reason, code=code)


def url_secrets(url: str) -> list[str]:
    """What of a URL must not be shown: the whole, and each part of path and query that is long enough to be a token."""
    parts = urlsplit(url)
    return [url, *(part for part in re.split(r"[/?&=;]", f"{parts.path}?{parts.query}") if len(part) >= 8)]


def checked_url(url: str, *, allow_private: bool) -> str:
    """`url` if it may be called, else a ValueError that says why not, without repeating it: it may hold a secret."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not a URL of the form https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a user name or password in a URL ends up in logs; put a token in the path instead")
    if not allow_private and parts.port not in {None, 80, 443} and (parts.port or 0) < 1024:
        raise ValueError("port below 1024 that is not for the web; use 80, 443 or one from 1024 on")
    try:
        requests.Request("POST", url).prepare()
    except requests.RequestException:
        raise ValueError("not a URL of the form https://host/path") from None
    return url
