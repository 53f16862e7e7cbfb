"""Requests that fail: written down for the breaker that counts them, and the failure goes on to whoever asked."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from precog.domain.redact import short_reason
from precog.store import trading

log = logging.getLogger("precog.sources")


@contextmanager
def requesting(platform_id: str, request: str) -> Iterator[None]:
    """Write down whatever fails inside as a failed request to this platform, and let it through.

    request: what is asked for, such as GET /markets. Secrets that are known by their looks are masked in both texts.
    Ctrl-C and exits are no failures. Where nothing fails it costs nothing; it never raises anything of its own.
    """
    try:
        yield
    except Exception as failure:
        _write_down(platform_id, request, failure)
        raise


def _write_down(platform_id: str, request: str, failure: Exception) -> None:
    try:
        error = f"{type(failure).__name__}: {short_reason(str(failure))}".removesuffix(": ")
        trading.add_api_failure(platform_id, short_reason(request) or "?", error)
    except Exception as trouble:  # noqa: BLE001 - the failure of the request must reach its caller, not this one
        log.error("a failed request is not written down", extra={"platform_id": platform_id, "error": str(trouble)})
