"""What every medium says of an alert, before any markup: the title, the facts in reading order, what to do next."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from precog.domain.alerts import Json
from precog.domain.deliveries import Message
from precog.render.visible import cut, one_line, visible

_LONG = 80
"""A value longer than this, or of several lines, is read last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    name: str
    value: str

    @property
    def is_long(self) -> bool:
        return len(self.value) > _LONG or "\n" in self.value


def environment_tag(message: Message) -> str:
    return f"[{message.environment.value.upper()}]"


def title(message: Message, limit: int) -> str:
    """One line: environment, severity, where and what."""
    line = f"{environment_tag(message)} {message.severity.value.upper()} {message.component}: {message.message}"
    return cut(one_line(line), limit)


def facts(message: Message, *, count: int = 20, value_limit: int = 2000) -> tuple[Fact, ...]:
    """The details by name and value, nested names joined by a dot, short values first.

    At most `count`, then one that says how many more there are.
    """
    every = sorted(flat(message.details), key=lambda fact: fact.is_long)
    shown = [Fact(name=fact.name, value=cut(fact.value, value_limit)) for fact in every[:count]]
    if len(every) > count:
        shown.append(Fact(name="…", value=f"{len(every) - count} more: {show(message)}"))
    return tuple(shown)


def flat(details: Mapping[str, Json], prefix: str = "") -> Iterator[Fact]:
    """Every detail, uncut, nested names joined by a dot."""
    for name, value in details.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield Fact(name=cut(one_line(prefix + name), 100), value=_text(value))


def _text(value: Json) -> str:
    """A text as it stands, which keeps a Decimal exact; a plain list with commas; everything else as JSON."""
    if isinstance(value, str):
        return visible(value).strip("\n")
    if isinstance(value, list) and value and not any(isinstance(entry, (list, dict)) for entry in value):
        return ", ".join(_text(entry) for entry in value)
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def worse(message: Message) -> str:
    """`worse: loss 212.50 -> 412.50 (step 400)`: from what to what since its incident was last told; else nothing."""
    if message.worse is None:
        return ""
    changes = []
    if message.worse.severity_before is not message.severity:
        changes.append(f"{message.worse.severity_before} -> {message.severity}")
    if (figure := message.worse.figure) is not None:
        before, now = (
            "none" if each is None else cut(one_line(_text(each)), 40) for each in (figure.before, figure.now)
        )
        changes.append(f"{one_line(figure.field)} {before} -> {now} (step {figure.step:f})")
    return f"worse: {', '.join(changes) or f'than alert {message.worse.than_alert_id}'}"


def notes(message: Message) -> tuple[str, ...]:
    """What belongs to the alert beside itself: what got worse, held alerts that travel along, silent duplicates."""
    lines = [*filter(None, [worse(message)]), *(one_line(line) for line in message.folded)]
    if message.suppressed_before:
        equal = "1 equal alert" if message.suppressed_before == 1 else f"{message.suppressed_before} equal alerts"
        lines.append(f"{equal} stayed silent since the last notice")
    return tuple(lines)


def when(message: Message) -> str:
    return f"{message.triggered_at:%Y-%m-%d %H:%M:%S} UTC"


_NO_NUMBER = "once PostgreSQL is back"
"""In place of a command, in what is sent while PostgreSQL, which gives the numbers, is away."""


def acknowledge(message: Message) -> str:
    """The command that takes the alert on."""
    return _NO_NUMBER if message.alert_id is None else f"precog alerts ack {message.alert_id}"


def show(message: Message) -> str:
    """The command that shows all of it."""
    return _NO_NUMBER if message.alert_id is None else f"precog alerts show {message.alert_id}"


def name(message: Message) -> str:
    """How people call it."""
    return f"alert {message.alert_uuid if message.alert_id is None else message.alert_id}"
