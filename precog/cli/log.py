"""`precog log`: an alert from a shell."""

import json
from decimal import Decimal
from typing import Annotated, Any

import typer

from precog.alert_manager import log_alert
from precog.cli.options import EnvironmentName
from precog.domain.alerts import Severity


def log(
    alert_type: Annotated[str, typer.Argument(metavar="TYPE", help="What happened, such as api_failures.")],
    severity: Annotated[
        Severity,
        typer.Argument(case_sensitive=False, metavar="SEVERITY", help="How bad it is: critical, high, medium or low."),
    ],
    component: Annotated[str, typer.Argument(metavar="COMPONENT", help="Where, such as kalshi_api.")],
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="One sentence for a person.")],
    *,
    detail: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A fact, as text; as often as you like.")
    ] = None,
    details_json: Annotated[
        str | None, typer.Option(metavar="OBJECT", help="Facts as one JSON object; its fractions stay exact.")
    ] = None,
    no_notify: Annotated[bool, typer.Option("--no-notify", help="Store it and tell nobody.")] = False,
    key: Annotated[
        str | None, typer.Option(help="An idempotency key: the same call with the same key stores one alert.")
    ] = None,
    source_table: Annotated[str | None, typer.Option(help="The table of the record that raised it.")] = None,
    source_id: Annotated[str | None, typer.Option(help="That record's id.")] = None,
    environment: EnvironmentName = None,
) -> None:
    """Raise an alert as a program would, and print its id.

    It is stored when the command returns; workers tell those whom the routes name.

    Example: precog log api_failures high kalshi_api "5 failures in 5 minutes" --detail platform=kalshi
    """
    alert_id = log_alert(
        alert_type,
        severity,
        component,
        message,
        {**_parsed(details_json), **dict(_pair(each) for each in detail or ())},
        send_notification=not no_notify,
        source_table=source_table,
        source_id=source_id,
        environment=environment,
        idempotency_key=key,
    )
    typer.echo(alert_id)


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--detail")
    return name.strip(), value


def _parsed(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_float=Decimal) if text else {}
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--details-json") from error
    if not isinstance(value, dict):
        raise typer.BadParameter("not a JSON object, such as '{\"loss\": 512.30}'", param_hint="--details-json")
    return value
