"""An alert as a Slack message: blocks for people, a plain text for notifications and for when blocks are refused."""

from precog.domain.alerts import Json, Severity
from precog.domain.deliveries import Message
from precog.render.facts import Fact, acknowledge, environment_tag, facts, notes, title, when
from precog.render.visible import one_line, visible

TEXT_LIMIT = 3000
"""Characters of one text object; Slack refuses a longer one. Escaping makes a text longer, so it is cut after."""
_HEADER_LIMIT = 150
_FIELDS_LIMIT = 10
_SIGNS = {Severity.CRITICAL: "🔴", Severity.HIGH: "🟠", Severity.MEDIUM: "🟡", Severity.LOW: "⚪"}
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text` for Slack: the three characters that could begin a mention, a link or an entity, and no others.

    Cut so that the result fits and no entity is left half.
    """
    pieces: list[str] = []
    room = limit - 1
    for character in text:
        piece = _ESCAPES.get(character, character)
        room -= len(piece)
        if room < 0:
            return "".join(pieces) + "…"
        pieces.append(piece)
    return "".join(pieces)


def slack_payload(message: Message) -> dict[str, Json]:
    return {"text": _fallback(message, 300), "blocks": _blocks(message), **_QUIET}


def plain_payload(message: Message) -> dict[str, Json]:
    """The same without blocks and short, for when Slack calls the blocks invalid."""
    lines = [_fallback(message, 1000), f"acknowledge: {acknowledge(message)}"]
    return {"text": "\n".join(lines), "mrkdwn": False, **_QUIET}


_QUIET: dict[str, Json] = {"link_names": 0, "unfurl_links": False, "unfurl_media": False}
"""No name in an alert calls somebody, and no address in it is fetched."""


def _fallback(message: Message, limit: int) -> str:
    return escaped(title(message, limit), 2 * limit)


def _blocks(message: Message) -> list[Json]:
    sign = _SIGNS[message.severity]
    head = f"{sign} {environment_tag(message)} {message.severity.value.upper()} {one_line(message.component)}"
    shown = facts(message, count=_FIELDS_LIMIT - 1, value_limit=300)
    return [
        {"type": "header", "text": _plain(head, _HEADER_LIMIT)},
        _section(visible(message.message)),
        *_fields([fact for fact in shown if not fact.is_long]),
        *[_section(f"{fact.name}\n{fact.value}") for fact in shown if fact.is_long],
        *[_section(note) for note in notes(message)[:5]],
        {"type": "context", "elements": [_plain(_context(message), TEXT_LIMIT)]},
    ]


def _context(message: Message) -> str:
    return f"{one_line(message.alert_type)}, {when(message)}. Acknowledge: {acknowledge(message)}"


def _fields(short: list[Fact]) -> list[Json]:
    fields: list[Json] = [_plain(f"{fact.name}\n{fact.value}", 500) for fact in short]
    return [{"type": "section", "fields": fields}] if fields else []


def _section(text: str) -> Json:
    return {"type": "section", "text": _plain(text, TEXT_LIMIT)}


def _plain(text: str, limit: int) -> dict[str, Json]:
    """A text without any markup, so that nothing in an alert is read as such."""
    return {"type": "plain_text", "text": escaped(text, limit) or " ", "emoji": False}
