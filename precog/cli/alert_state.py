"""Where an alert stands, what happened to it in order, and why it told nobody: read off its rows alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from precog.cli.output import exact, relative
from precog.domain.deliveries import DeliveryStatus
from precog.domain.records import AlertRecord, AttemptRecord, DeliveryRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: datetime
    what: str
    outcome: str = ""
    """A word with a colour of its own, of a try."""


def state(alert: AlertRecord) -> str:
    """`open`, `acknowledged by ann`, `fixed by ann`; in a list, `+3` for the duplicates that it stands for."""
    count = alert["duplicates"]
    return f"{_standing_alone(alert)} +{count}" if count else _standing_alone(alert)


def state_in_words(alert: AlertRecord) -> str:
    """The same for who has one alert in front of them: `open, with 3 duplicates`."""
    count = alert["duplicates"]
    return f"{_standing_alone(alert)}, with {count} duplicate{'s' if count > 1 else ''}" if count else state(alert)


def _standing_alone(alert: AlertRecord) -> str:
    if alert["resolved_at"] is not None:
        text = f"{alert['resolution_action']} by {alert['resolved_by']}"
    elif alert["acknowledged_at"] is not None:
        text = f"acknowledged by {alert['acknowledged_by']}"
    else:
        text = "open"
    return f"{text}, duplicate of {alert['duplicate_of']}" if alert["suppressed"] else text


def silence(alert: AlertRecord, deliveries: Sequence[DeliveryRecord]) -> str | None:
    """Why nobody was told of it; None where somebody is."""
    if deliveries:
        return None
    if alert["suppressed"]:
        first = alert["duplicate_of"]
        return f"nobody was told: it equals alert {first}, which was open; `precog alerts show {first}`"
    if not alert["planned"]:
        return "nobody is told yet: recovery sees to it once there are routes; `precog config apply` writes them"
    if alert["notify"]:
        return "nobody was told: it was resolved before recovery came to it"
    return (
        f"nobody was told: either it was logged with send_notification=False, or no route led from {alert['severity']} "
        f"to anybody then; `precog config check` shows today's routes"
    )


def standing(delivery: DeliveryRecord, now: datetime) -> str:
    """What there is to know of a delivery beside its status: what it waits for, or how it ended."""
    match DeliveryStatus(delivery["status"]):
        case DeliveryStatus.PENDING | DeliveryStatus.UNKNOWN:
            return "; ".join(filter(None, [_next_step(delivery, now), delivery["last_error"]]))
        case DeliveryStatus.HELD:
            return _held(delivery, now)
        case DeliveryStatus.SENT:
            return "; ".join(filter(None, [_receipt(delivery), delivery["provider_message_id"]]))
        case DeliveryStatus.FAILED:
            return f"{delivery['error_code']}: {delivery['last_error']}"
        case _:
            return delivery["last_error"] or ""


def _receipt(delivery: DeliveryRecord) -> str | None:
    """What the provider says of a message that it accepted, with its reason where it did not deliver it."""
    reason = _why_undelivered(delivery)
    return f"{delivery['receipt']}, {reason}" if reason else delivery["receipt"]


def _why_undelivered(delivery: DeliveryRecord) -> str:
    """Empty of anything else."""
    return ": ".join(filter(None, [delivery["receipt_code"], delivery["receipt_error"]]))


def _next_step(delivery: DeliveryRecord, now: datetime) -> str:
    """An unknown outcome is asked for at the provider, anything else is sent."""
    verb = "the answer was lost; asked again" if delivery["status"] == "unknown" else "next try"
    due = delivery["next_attempt_at"] <= now
    return f"{verb} {'now' if due else relative(delivery['next_attempt_at'], now)}"


def _held(delivery: DeliveryRecord, now: datetime) -> str:
    if delivery["folded_into"]:
        return "goes out as part of a digest"
    if delivery["error_code"] == "paused":
        channel = delivery["channel"]
        return f"{channel} is paused: {delivery['last_error']}; mend it, then `precog channels resume {channel}`"
    until = delivery["next_attempt_at"]
    return f"until {exact(until)} ({relative(until, now)}): {delivery['last_error']}"


def timeline(
    alert: AlertRecord, deliveries: Iterable[DeliveryRecord], attempts: Iterable[AttemptRecord]
) -> tuple[Event, ...]:
    """All that happened, oldest first."""
    deliveries = tuple(deliveries)
    every = [
        *_of_alert(alert),
        *_of_attempts(deliveries, attempts),
        *_of_receipts(deliveries),
        *_of_requeues(deliveries),
        *_endings(deliveries),
    ]
    return tuple(sorted(every, key=lambda event: event.at))


def _of_alert(alert: AlertRecord) -> Iterator[Event]:
    if alert["occurred_at"] is not None:
        yield Event(at=alert["occurred_at"], what="occurred")
    yield Event(at=alert["triggered_at"], what="stored")
    if alert["acknowledged_at"] is not None:
        yield Event(at=alert["acknowledged_at"], what=_said("acknowledged", "acknowledged", alert))
    if alert["resolved_at"] is not None:
        yield Event(at=alert["resolved_at"], what=_said(f"resolved as {alert['resolution_action']}", "resolved", alert))


def _said(what: str, kind: str, alert: AlertRecord) -> str:
    by, notes = alert.get(f"{kind}_by"), alert.get(f"{kind}_notes")
    return f"{what} by {by}: {notes}" if notes else f"{what} by {by}"


def _of_attempts(deliveries: Iterable[DeliveryRecord], attempts: Iterable[AttemptRecord]) -> Iterator[Event]:
    recipients = {each["delivery_id"]: each["recipient"] for each in deliveries}
    for attempt in attempts:
        what = f"{attempt['channel']} to {recipients[attempt['delivery_id']]}, try {attempt['attempt']}"
        yield Event(at=attempt["started_at"], what=f"{what}{_ended(attempt)}", outcome=attempt["outcome"] or "sending")


def _ended(attempt: AttemptRecord) -> str:
    """How long it took and what the provider said; of a try that runs, who makes it."""
    if attempt["finished_at"] is None:
        return f", by {attempt['worker']}"
    seconds = (attempt["finished_at"] - attempt["started_at"]).total_seconds()
    reason = ": ".join(filter(None, [attempt["error_code"], attempt["error"]]))
    return f", {seconds:.1f} s" + (f", {reason}" if reason else "")


def _of_receipts(deliveries: Iterable[DeliveryRecord]) -> Iterator[Event]:
    """The last word of each provider that gives receipts."""
    for each in deliveries:
        if each["receipt_at"] is not None and each["receipt"] in {"delivered", "undelivered"}:
            what = ", ".join(filter(None, [f"{each['channel']} to {each['recipient']}", _why_undelivered(each)]))
            yield Event(at=each["receipt_at"], what=what, outcome=each["receipt"])


def _of_requeues(deliveries: Iterable[DeliveryRecord]) -> Iterator[Event]:
    for each in deliveries:
        if each["requeued_at"] is not None:
            what = f"{each['channel']} to {each['recipient']}: asked for again by {each['requeued_by']}"
            yield Event(at=each["requeued_at"], what=what)


def _endings(deliveries: Iterable[DeliveryRecord]) -> Iterator[Event]:
    """What ended otherwise than by a try: cancelled by a person, or expired."""
    for each in deliveries:
        expired = each["status"] == "failed" and each["error_code"] == "expired"
        if each["finished_at"] is not None and (expired or each["status"] == "cancelled"):
            yield Event(
                at=each["finished_at"], what=f"{each['channel']} to {each['recipient']}", outcome=each["status"]
            )
