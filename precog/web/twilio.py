"""Twilio's status callbacks: what it says, of its own accord, of the SMS that it took."""

import logging
from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import urlparse
from uuid import UUID

from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    add_port,
    get_signature_algorithm,
    remove_port,
)

from precog import receipts
from precog.channels.sms import SmsSettings
from precog.channels.sms_receipts import callback_url, receipt
from precog.domain.alerts import Environment
from precog.web.endpoint import Endpoint, limited_body

log = logging.getLogger("precog.web")


def status_reports(settings: SmsSettings, public_url: str, environment: Environment) -> Endpoint:
    """Takes a report that Twilio signed for this address, whatever host the request names.

    A report on a message or a delivery that is not ours is answered as any other: nobody learns which ids exist, and
    Twilio has no error to show.
    """

    async def status_report(request: Request) -> Response:
        delivery_id: UUID = request.path_params["delivery_id"]
        form = QueryParams((await limited_body(request)).decode("utf-8", "replace"))
        key = _key(settings, request.headers)
        if not is_genuine(callback_url(public_url, delivery_id), form, request.headers, key=key):
            log.warning("a report was not signed by Twilio for this address; is PRECOG_PUBLIC_URL right?")
            raise HTTPException(403)
        if sid := form.get("MessageSid") or form.get("SmsSid"):
            status = form.get("MessageStatus") or form.get("SmsStatus")
            said = receipt(sid, status, form.get("ErrorCode"), form.get("ErrorMessage"))
            await run_in_threadpool(receipts.take, environment, "sms", delivery_id, said)
        return Response(status_code=204)

    return status_report


def _key(settings: SmsSettings, headers: Mapping[str, str]) -> SecretStr:
    """What Twilio signed with: the account's token, or a key of its own, of which a header tells."""
    if SIGNATURE_SETTINGS_HEADER in headers and settings.signing_key is not None:
        return settings.signing_key
    return settings.auth_token


def is_genuine(url: str, form: QueryParams, headers: Mapping[str, str], *, key: SecretStr) -> bool:
    """Whether the signature is the one for this URL and form. Compared in constant time, as Twilio's own check is not.

    Twilio signs the URL with its port or without.
    """
    validator = RequestValidator(key.get_secret_value())
    algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER))
    given = headers.get(SIGNATURE_HEADER, "").encode()
    parts = urlparse(url)
    try:
        expected = [
            validator.compute_signature(each, form, algorithm) for each in (add_port(parts), remove_port(parts))
        ]
    except ValueError:  # an algorithm of which the library does not know
        return False
    return any(compare_digest(given, each.encode()) for each in expected)
