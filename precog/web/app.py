"""The application: its addresses, and what an error becomes on the way out."""

import logging

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from precog.channels.sms import SmsSettings
from precog.channels.sms_receipts import CALLBACK_PATH
from precog.courier import sms_limits
from precog.errors import StoreError
from precog.health import health
from precog.settings.model import Settings
from precog.web.endpoint import Endpoint
from precog.web.twilio import status_reports

log = logging.getLogger("precog.web")


def make_app(settings: Settings) -> Starlette:
    """Takes Twilio's reports where SMS are on and Twilio can reach us; says otherwise only whether all is well."""
    routes = [Route("/healthz", health_of(settings))]
    sms = settings.channels.get("sms")
    if isinstance(sms, SmsSettings) and sms.public_url is not None:
        endpoint = status_reports(sms, sms.public_url, settings.environment)
        routes.append(Route(CALLBACK_PATH + "{delivery_id:uuid}", endpoint, methods=["POST"]))
    else:
        log.warning("no reports are taken here: SMS are off, or PRECOG_PUBLIC_URL is not set; recovery asks Twilio")
    return Starlette(routes=routes, exception_handlers={StoreError: _store_is_away})


def health_of(settings: Settings) -> Endpoint:
    """The verdict, and nothing of its reasons: whoever reaches this address may ask. 503 while PostgreSQL is away."""

    async def healthz(_: Request) -> Response:
        found = await run_in_threadpool(health, settings.environment, sms_limits=sms_limits(settings))
        return JSONResponse({"status": found.verdict}, status_code=503 if found.figures is None else 200)

    return healthz


async def _store_is_away(request: Request, error: Exception) -> Response:
    log.warning("PostgreSQL is away; a request is refused", extra={"path": request.url.path, "error": str(error)})
    return PlainTextResponse("the alert store does not answer\n", status_code=503)
