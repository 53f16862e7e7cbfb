"""All there is about one alert, as `precog alerts show` prints it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from precog.cli.alert_state import silence, standing, state_in_words, timeline
from precog.cli.output import coloured, exact, new_table, plain, relative
from precog.domain.interlock import Block, release_commands
from precog.domain.records import AlertRecord, AttemptRecord, DeliveryRecord
from precog.render.facts import flat
from precog.render.visible import visible


def alert_page(
    alert: AlertRecord,
    deliveries: Sequence[DeliveryRecord],
    attempts: Sequence[AttemptRecord],
    blocks: Sequence[Block],
    *,
    now: datetime,
) -> RenderableType:
    """`blocks`: what this incident blocks until somebody releases it."""
    parts: list[RenderableType] = [_title(alert), Text(visible(alert["message"])), Text()]
    if blocks:
        parts += [plain(blocking(blocks), "bold red"), Text()]
    parts.append(_fields(alert, now))
    if alert["details"]:
        parts += [*section("Details"), listed((fact.name, Text(fact.value)) for fact in flat(alert["details"]))]
    parts += [*section("Told"), _told(alert, deliveries, now)]
    parts += [*section("What happened"), history(alert, deliveries, attempts)]
    return Group(*parts)


def _title(alert: AlertRecord) -> Text:
    where = plain(f"[{alert['environment'].upper()}] {alert['component']} {alert['alert_type']}", "bold")
    return Text.assemble((f"#{alert['alert_id']}", "bold"), "  ", coloured(alert["severity"]), "  ", where)


def blocking(blocks: Sequence[Block]) -> str:
    """Of one incident, so one command releases them."""
    scopes = ", ".join(sorted({str(each.scope) for each in blocks}))
    [command] = release_commands(blocks)
    return f"blocks orders that raise risk ({scopes}) until it is released: {command}"


def section(name: str) -> tuple[Text, Text]:
    return Text(), Text(name, style="bold")


def _fields(alert: AlertRecord, now: datetime) -> RenderableType:
    return listed((name, plain(value)) for name, value in _known(alert, now) if value)


def _known(alert: AlertRecord, now: datetime) -> Iterator[tuple[str, str | None]]:
    yield "state", state_in_words(alert)
    yield "stored", f"{exact(alert['triggered_at'])} ({relative(alert['triggered_at'], now)})"
    yield "occurred", exact(alert["occurred_at"]) if alert["occurred_at"] else None
    yield "category", alert["category"]
    yield "source", " ".join(filter(None, [alert["source_table"], alert["source_id"]]))
    yield "incident", f"began with alert {alert['incident_id']}" if alert["incident_id"] != alert["alert_id"] else None
    yield "tags", ", ".join(f"{fact.name}={fact.value}" for fact in flat(alert["tags"]))
    yield "fingerprint", alert["fingerprint"]


def listed(pairs: Iterator[tuple[str, Text]]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(plain(name), value)
    return _indented(table)


def _indented(content: RenderableType) -> RenderableType:
    return Padding(content, (0, 0, 0, 2), expand=False)


def _told(alert: AlertRecord, deliveries: Sequence[DeliveryRecord], now: datetime) -> RenderableType:
    if (reason := silence(alert, deliveries)) is not None:
        return _indented(plain(reason, "yellow"))
    table = new_table("CHANNEL", "RECIPIENT", "STATUS", "TRIES")
    table.add_column(overflow="fold")
    for each in deliveries:
        table.add_row(
            each["channel"],
            plain(each["recipient"]),
            coloured(each["status"]),
            str(each["attempts"]),
            plain(standing(each, now)),
        )
    return _indented(table)


def history(
    alert: AlertRecord, deliveries: Sequence[DeliveryRecord], attempts: Sequence[AttemptRecord]
) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for event in timeline(alert, deliveries, attempts):
        what = plain(event.what)
        shown = Text.assemble(coloured(event.outcome), "  ", what) if event.outcome else what
        table.add_row(exact(event.at), shown)
    return _indented(table)
