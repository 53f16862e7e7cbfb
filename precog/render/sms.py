"""An alert as an SMS: severity, place and reason in few parts, and a reference by which Twilio's copy is found."""

from uuid import UUID

from precog.domain.deliveries import Message
from precog.render.facts import acknowledge, facts, worse
from precog.render.segments import fit, plain
from precog.render.visible import cut, one_line

_FACTS = 3
_LONGEST = 1600
"""Characters: Twilio takes no longer body, so nothing behind them needs to be counted."""


def reference(delivery_id: UUID) -> str:
    """What the body ends with on every try. 24 bits: among the day's few SMS to a number no two share it by chance."""
    return f"[{delivery_id.hex[:6]}]"


def sms_text(message: Message, *, parts: int) -> str:
    """At most `parts` SMS parts. What is cut is the middle: the command to take it on and the reference stay."""
    head = (
        f"{message.environment.value.upper()} {message.severity.value.upper()} {message.component}: {message.message}"
    )
    short = [f"{fact.name} {fact.value}" for fact in facts(message, count=_FACTS)[:_FACTS] if not fact.is_long]
    silent = f"+{message.suppressed_before} equal, silent" if message.suppressed_before else ""
    also = f"ALSO: {'; '.join(message.folded)}" if message.folded else ""
    body = ". ".join(part for part in (head.rstrip("."), worse(message), ", ".join(short), silent, also) if part)
    tail = f" Ack: {acknowledge(message)} {reference(message.delivery_id)}"
    return fit(plain(cut(one_line(body), _LONGEST)) + ".", tail, parts)
