"""An alert on a terminal: one line that says it all, then the rest, indented so that no text can forge a headline."""

from precog.domain.alerts import Severity
from precog.domain.deliveries import Message
from precog.render.facts import acknowledge, environment_tag, facts, notes, when
from precog.render.visible import cut, one_line, visible

_COLOURS = {Severity.CRITICAL: "1;97;41", Severity.HIGH: "1;31", Severity.MEDIUM: "1;33", Severity.LOW: "1;36"}
_INDENT = " " * 4


def console_text(message: Message, *, colour: bool) -> str:
    severity = f" {message.severity.value.upper()} "
    if colour:
        severity = f"\x1b[{_COLOURS[message.severity]}m{severity}\x1b[0m"
    where = f"{cut(one_line(message.component), 100)}  {cut(one_line(message.alert_type), 100)}"
    number = "" if message.alert_id is None else f"#{message.alert_id}"
    head = f"{when(message)} {severity} {environment_tag(message)} {where}  {number}"
    return "\n".join([head, *(_INDENT + line for line in _body_lines(message))]) + "\n"


def _body_lines(message: Message) -> list[str]:
    return [
        *message_lines(message, 2000),
        *fact_lines(message),
        *notes(message),
        f"acknowledge: {acknowledge(message)}",
    ]


def message_lines(message: Message, limit: int) -> list[str]:
    return cut(visible(message.message), limit).split("\n")


def fact_lines(message: Message) -> list[str]:
    return [line for fact in facts(message) for line in _fact_lines(fact.name, fact.value)]


def _fact_lines(name: str, value: str) -> list[str]:
    lines = value.split("\n")
    return [f"{name}: {value}"] if len(lines) == 1 else [f"{name}:", *(_INDENT + line for line in lines)]
