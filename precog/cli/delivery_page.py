"""All there is about one delivery, as `precog deliveries show` prints it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from precog.cli.alert_page import history, listed, section
from precog.cli.alert_state import standing, state_in_words
from precog.cli.output import coloured, exact, plain, relative
from precog.domain.records import AlertRecord, AttemptRecord, DeliveryRecord


def delivery_page(
    alert: AlertRecord,
    delivery: DeliveryRecord,
    attempts: Sequence[AttemptRecord],
    siblings: Sequence[DeliveryRecord],
    *,
    now: datetime,
) -> RenderableType:
    """`siblings`: every delivery of the alert."""
    title = Text.assemble(
        (delivery["delivery_id"][:8], "bold"),
        "  ",
        coloured(delivery["status"]),
        "  ",
        plain(f"[{alert['environment'].upper()}] {delivery['channel']} to {delivery['recipient']}", "bold"),
    )
    fields = ((name, plain(value)) for name, value in _known(alert, delivery, siblings, now) if value)
    return Group(title, Text(), listed(fields), *section("What happened"), history(alert, [delivery], attempts))


def _known(
    alert: AlertRecord, delivery: DeliveryRecord, siblings: Sequence[DeliveryRecord], now: datetime
) -> Iterator[tuple[str, str | None]]:
    yield "delivery", delivery["delivery_id"]
    yield (
        "alert",
        f"#{alert['alert_id']} {alert['severity']} {alert['component']} {alert['alert_type']}, {state_in_words(alert)}",
    )
    yield "message", alert["message"]
    yield "standing", standing(delivery, now)
    yield "planned", f"{exact(delivery['created_at'])} ({relative(delivery['created_at'], now)})"
    yield "tries", str(delivery["attempts"])
    yield "provider's id", delivery["provider_message_id"]
    yield "stands in for", _in_words(next((s for s in siblings if s["delivery_id"] == delivery["fallback_of"]), None))
    yield "its stand-in", _in_words(next((s for s in siblings if s["fallback_of"] == delivery["delivery_id"]), None))


def _in_words(other: DeliveryRecord | None) -> str | None:
    return other and f"{other['channel']} to {other['recipient']}, {other['status']} ({other['delivery_id'][:8]})"
