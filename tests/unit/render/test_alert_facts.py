from collections.abc import Callable

import pytest

from precog.domain.deliveries import Message
from precog.render.facts import Fact, facts, notes, title

pytestmark = pytest.mark.unit

Make = Callable[..., Message]


def shown(message: Message) -> list[tuple[str, str]]:
    return [(fact.name, fact.value) for fact in facts(message)]


def test_a_decimal_keeps_every_digit_it_was_stored_with(make_message: Make) -> None:
    assert shown(make_message(details={"price": "0.5000"})) == [("price", "0.5000")]


def test_nested_details_become_dotted_names_and_lists_read_as_text(make_message: Make) -> None:
    details = {"market": {"ticker": "KX", "legs": ["a", "b"]}, "open": True, "hint": None, "empty": {}}
    assert shown(make_message(details=details)) == [
        ("market.ticker", "KX"),
        ("market.legs", "a, b"),
        ("open", "true"),
        ("hint", "null"),
        ("empty", "{}"),
    ]


def test_a_stack_trace_is_read_last(make_message: Make) -> None:
    details = {"trace": "line 1\nline 2", "loss": "5"}
    assert [name for name, _ in shown(make_message(details=details))] == ["loss", "trace"]


def test_what_does_not_fit_is_counted_and_where_to_read_it_is_said(make_message: Make) -> None:
    message = make_message(details={f"key{n}": n for n in range(25)})
    assert facts(message)[-1] == Fact(name="…", value="5 more: precog alerts show 1234")


def test_a_title_is_one_line_with_environment_severity_place_and_reason(make_message: Make) -> None:
    message = make_message(message="Loss\r\nBcc: victim@example.com")
    assert title(message, 150) == "[DEMO] CRITICAL risk_manager: Loss Bcc: victim@example.com"
    assert len(title(make_message(message="x" * 1000), 150)) == 150


def test_silent_duplicates_and_folded_alerts_are_told(make_message: Make) -> None:
    assert notes(make_message()) == ()
    assert notes(make_message(suppressed_before=1)) == ("1 equal alert stayed silent since the last notice",)
    assert notes(make_message(suppressed_before=7, folded=("HIGH a: b",))) == (
        "HIGH a: b",
        "7 equal alerts stayed silent since the last notice",
    )
