"""What happened, as tables: each alert with its deliveries, what arrived outside, and where to look next."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from precog.demo.outside import Outside
from precog.demo.watch import Outcome
from precog.domain.deliveries import DeliveryStatus
from precog.domain.records import AttemptRecord, DeliveryRecord
from precog.render.visible import cut, one_line

_STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "sent": "green",
    "accepted": "green",
    "held": "yellow",
    "transient": "yellow",
    "unknown": "yellow",
    "failed": "bold red",
    "refused": "bold red",
}


def heading(text: str) -> RenderableType:
    return Group(Text(), Text(text, style="bold underline"))


def what_happened(outcomes: Sequence[Outcome]) -> RenderableType:
    recipients = [delivery["recipient"] for outcome in outcomes for delivery in outcome.deliveries]
    width = max(map(len, recipients), default=0)
    return Group(*(Group(Text(), _alert(each, width, header=each is outcomes[0])) for each in outcomes))


def _alert(outcome: Outcome, width: int, *, header: bool) -> RenderableType:
    alert = outcome.alert
    head = Text.assemble(
        (f"#{alert['alert_id']} ", "bold"),
        (f" {alert['severity'].upper()} ", _STYLES[alert["severity"]]),
        f" {alert['alert_type']}  ",
        (alert["component"], "dim"),
    )
    body: list[RenderableType] = [Text(alert["message"]), Text(came_of(outcome), style="italic")]
    if outcome.deliveries:
        body.append(_deliveries(outcome, width, header=header))
    body += [Text(line, style="dim") for line in _notes(outcome)]
    return Group(head, Padding(Group(*body), (0, 0, 0, 4), expand=False))


def came_of(outcome: Outcome) -> str:
    """The alert's fate in a sentence."""
    alert, count = outcome.alert, len(outcome.deliveries)
    if alert["suppressed"]:
        return f"{outcome.scene.point}; suppressed as a duplicate of #{alert['duplicate_of']}"
    sent = sum(each["status"] == DeliveryStatus.SENT for each in outcome.deliveries)
    fate = f"{outcome.scene.point}; sent {sent} of {count}"
    return f"{fate}; taken on by {alert['acknowledged_by']}" if alert["acknowledged_by"] else fate


def _deliveries(outcome: Outcome, width: int, *, header: bool) -> RenderableType:
    """Columns of fixed width, so that they stand in line from alert to alert."""
    table = Table(box=None, pad_edge=False, show_header=header, header_style="dim", padding=(0, 2, 0, 0))
    for name, columns in (("CHANNEL", 7), ("RECIPIENT", max(width, 9)), ("STATUS", 9)):
        table.add_column(name, width=columns, overflow="fold")
    for name, columns in (("TRIES", 5), ("AT (UTC)", 8), ("AFTER", 7)):
        table.add_column(name, width=columns, justify="right")
    for delivery in outcome.deliveries:
        status = Text(delivery["status"], style=_STYLES.get(delivery["status"], ""))
        at, after = _finished(outcome, delivery)
        table.add_row(
            delivery["channel"], one_line(delivery["recipient"]), status, str(delivery["attempts"]), at, after
        )
    return table


def _finished(outcome: Outcome, delivery: DeliveryRecord) -> tuple[str, str]:
    """When it was finished, and how long after the alert."""
    at = delivery["finished_at"]
    if at is None:
        return "", ""
    return clock(at), f"{(at - outcome.alert['triggered_at']).total_seconds():.2f} s"


def clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def _notes(outcome: Outcome) -> Iterator[str]:
    for delivery in outcome.deliveries:
        tries = outcome.attempts_of(delivery)
        if delivery["status"] == DeliveryStatus.HELD:
            yield held(outcome, delivery)
        elif len(tries) > 1 or delivery["status"] != DeliveryStatus.SENT:
            yield from (_try(each) for each in tries)


def held(outcome: Outcome, delivery: DeliveryRecord) -> str:
    """Why it waits, until when, and who was reached meanwhile."""
    if delivery["error_code"] != "over_limit":
        return f"{delivery['channel']} held: {delivery['last_error']}"
    reached = [each["channel"] for each in outcome.deliveries if each["status"] == DeliveryStatus.SENT]
    until = f"{delivery['next_attempt_at'].astimezone(UTC):%H:%M}"
    instead = f"reached instead over {', '.join(dict.fromkeys(reached))}" if reached else "nobody was reached instead"
    return f"{delivery['channel']} held: over the limit of 5 an hour until {until} UTC; {instead}"


def _try(attempt: AttemptRecord) -> str:
    ended = f"{attempt['outcome'] or 'no end on record'}"
    reason = f": {one_line(attempt['error'])}" if attempt["error"] else ""
    return f"{attempt['channel']} try {attempt['attempt']} at {clock(attempt['started_at'])}: {ended}{reason}"


def what_arrived(outside: Outside, width: int) -> RenderableType:
    """An example of what each receiver really got."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for channel, count, example in _arrivals(outside):
        lines = 1 if example.startswith("{") else 3
        table.add_row(channel, Text(count, style="dim"))
        table.add_row("", Text(cut(one_line(example), lines * max(20, width - 12))))
    return table


def _arrivals(outside: Outside) -> Iterator[tuple[str, str, str]]:
    """The first one of each kind, which is about the same alert."""
    console = [line for line in outside.console_text().splitlines() if "[DEMO]" in line]
    yield "mail", _count(outside.subjects(), "letter"), f"Subject: {_first(outside.subjects())}"
    yield "SMS", _count(outside.sms_texts(), "message"), _first(outside.sms_texts())
    yield "Slack", _count(outside.slack_texts(), "message"), _first(outside.slack_texts())
    yield "webhook", _webhook(outside), _first(each.body.decode() for each in outside.played.took)
    yield "console", f"{_count(console, 'alert')} on the workers' standard output", _first(console)
    yield "file", f"{_count(outside.file_lines(), 'line')} of JSON", _first(outside.file_lines())


def _webhook(outside: Outside) -> str:
    took = outside.played.took
    refused = f", {outside.played.refused} refused before" if outside.played.refused else ""
    signature = f"; signatures verified, such as {took[0].headers['webhook-signature'][:12]}..." if took else ""
    return f"{_count(took, 'request')} taken{refused}{signature}"


def _count(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _first(texts: Iterable[str]) -> str:
    return next(iter(texts), "nothing")


def where_next(commands: Sequence[tuple[str, str]]) -> RenderableType:
    """Each command on a line of its own, to be copied whole."""
    return Group(*(Text.assemble((f"  {command}\n", "cyan"), (f"      {why}", "dim")) for command, why in commands))


def summary(outcomes: Sequence[Outcome]) -> str:
    """The whole in one line, for when all went well."""
    statuses = [delivery["status"] for outcome in outcomes for delivery in outcome.deliveries]
    duplicates = sum(outcome.alert["suppressed"] for outcome in outcomes)
    again = sum(delivery["attempts"] > 1 for outcome in outcomes for delivery in outcome.deliveries)
    return (
        f"{len(outcomes)} alerts: {statuses.count('sent')} deliveries sent and received, {again} of them "
        f"after a failed try; {statuses.count('held')} held by the SMS limit; {duplicates} duplicate suppressed"
    )
