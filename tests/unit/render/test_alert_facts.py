import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from precog.domain.alerts import Severity
from precog.domain.bands import Figure
from precog.domain.deliveries import Message, Worsening
from precog.render.console import console_text
from precog.render.email import mail
from precog.render.facts import Fact, facts, notes, title, worse
from precog.render.payload import jsonline, webhook_payload
from precog.render.slack import slack_payload
from precog.render.sms import sms_text

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


def _worse(**changes: Any) -> Worsening:
    fields: dict[str, Any] = {"field": "loss", "before": "212.50", "now": "412.50", "step": Decimal(400)}
    return Worsening(than_alert_id=1201, severity_before=Severity.CRITICAL, figure=Figure(**fields | changes))


@pytest.mark.parametrize(
    ("worsening", "said"),
    [
        (_worse(), "worse: loss 212.50 -> 412.50 (step 400)"),
        (_worse(before=None), "worse: loss none -> 412.50 (step 400)"),
        (_worse(now=0.96, before=0.8, step=Decimal("0.95")), "worse: loss 0.8 -> 0.96 (step 0.95)"),
        (_worse(step=Decimal("1E+3")), "worse: loss 212.50 -> 412.50 (step 1000)"),
    ],
)
def test_what_got_worse_is_said_from_what_to_what(make_message: Make, worsening: Worsening, said: str) -> None:
    assert worse(make_message(worse=worsening)) == said


def test_a_severity_that_got_worse_is_said_so(make_message: Make) -> None:
    alone = Worsening(than_alert_id=1201, severity_before=Severity.HIGH, figure=None)
    assert worse(make_message(worse=alone)) == "worse: high -> critical"
    unnamed = Worsening(than_alert_id=1201, severity_before=Severity.CRITICAL, figure=None)
    assert worse(make_message(worse=unnamed)) == "worse: than alert 1201"
    assert worse(make_message()) == ""


def test_every_medium_says_what_got_worse(make_message: Make) -> None:
    message = make_message(worse=_worse())
    texts = [
        console_text(message, colour=False),
        mail(message).text,
        mail(message).html.replace("&gt;", ">"),
        json.dumps(slack_payload(message)).replace("&gt;", ">"),
        sms_text(message, parts=3),
    ]
    assert [text for text in texts if "worse: loss 212.50 -> 412.50 (step 400)" not in text] == []


def test_a_program_reads_what_got_worse_as_values(make_message: Make) -> None:
    expected = {
        "than_alert_id": 1201,
        "severity_before": "critical",
        "figure": {"field": "loss", "before": "212.50", "now": "412.50", "step": "400"},
    }
    assert json.loads(jsonline(make_message(worse=_worse())))["worse"] == expected
    assert json.loads(webhook_payload(make_message(worse=_worse())))["data"]["worse"] == expected
    assert json.loads(jsonline(make_message()))["worse"] is None
