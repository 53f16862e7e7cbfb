"""An alert as a mail: one line of subject, a plain text, and the same as HTML."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from precog.domain.alerts import Severity
from precog.domain.deliveries import Message
from precog.render.console import fact_lines, message_lines
from precog.render.facts import acknowledge, environment_tag, facts, name, notes, title, when
from precog.render.visible import cut, one_line, visible

SUBJECT_LIMIT = 150
_MESSAGE_LIMIT = 5000
_COLOURS = {
    Severity.CRITICAL: "#b42318",
    Severity.HIGH: "#c4460a",
    Severity.MEDIUM: "#8a6100",
    Severity.LOW: "#44607c",
}
"""Each dark enough for white letters on it (contrast above 4.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    subject: str
    text: str
    html: str


def mail(message: Message) -> Mail:
    return Mail(subject=title(message, SUBJECT_LIMIT), text=_text(message), html=_html(message))


def _text(message: Message) -> str:
    head = [
        f"{environment_tag(message)} {message.severity.value.upper()}  {one_line(message.component)}",
        f"{one_line(message.alert_type)}, {when(message)}",
        "",
    ]
    body = [
        *message_lines(message, _MESSAGE_LIMIT),
        *notes(message),
        "",
        *fact_lines(message),
        "",
        f"Acknowledge: {acknowledge(message)}",
    ]
    return "\n".join([*head, *body, "", "-- ", _footer(message)]) + "\n"


def _html(message: Message) -> str:
    shown = facts(message, value_limit=4000)
    return (
        _template()
        .get_template("email.html")
        .render(
            title=title(message, SUBJECT_LIMIT),
            severity=message.severity.value.upper(),
            environment=message.environment.value.upper(),
            colour=_COLOURS[message.severity],
            message=cut(visible(message.message), _MESSAGE_LIMIT),
            component=one_line(message.component),
            alert_type=one_line(message.alert_type),
            when=when(message),
            notes=notes(message),
            short_facts=[fact for fact in shown if not fact.is_long],
            long_facts=[fact for fact in shown if fact.is_long],
            acknowledge=acknowledge(message),
            footer=_footer(message),
        )
    )


def _footer(message: Message) -> str:
    incident = f", incident {message.incident_id}" if message.incident_id != message.alert_id else ""
    return f"{name(message)}{incident}, delivery {message.delivery_id}, sent by Precog"


@cache
def _template() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
