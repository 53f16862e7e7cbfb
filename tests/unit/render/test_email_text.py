from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from precog.domain.alerts import Environment, Severity
from precog.domain.deliveries import Message
from precog.render.email import mail

pytestmark = pytest.mark.unit

Make = Callable[..., Message]


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_both_parts_say_what_where_when_and_what_to_do(make_message: Make) -> None:
    letter = mail(make_message(suppressed_before=12))
    for part in (letter.text, letter.html):
        for words in (
            "CRITICAL",
            "DEMO",
            "risk_manager",
            "Daily loss limit reached, trading is halted",
            "2026-11-23 03:03:37 UTC",
            "512.3000",
            "12 equal alerts stayed silent",
            "precog alerts ack 1234",
            "incident 1201",
        ):
            assert words in part


def test_markup_in_an_alert_stays_text(make_message: Make) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    message = make_message(message=hostile, component=hostile, alert_type=hostile, details={hostile: hostile})
    tags = Tags(mail(message).html)
    assert not tags.names & {"script", "img", "a", "iframe"}
    assert not tags.attributes & {"onerror", "src", "href"}


def test_the_subject_is_one_line_and_names_the_environment(make_message: Make) -> None:
    subject = mail(make_message(environment=Environment.PROD, message="a\nb" * 200)).subject
    assert subject.startswith("[PROD] CRITICAL risk_manager: a ba b")
    assert len(subject) <= 150
    assert "\n" not in subject


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_has_a_colour_of_its_own(make_message: Make, severity: Severity) -> None:
    others = [mail(make_message(severity=other)).html for other in Severity if other is not severity]
    assert all(mail(make_message(severity=severity)).html != html for html in others)


def test_an_alert_without_details_has_no_empty_table(make_message: Make) -> None:
    assert "border-collapse:collapse" not in mail(make_message(details={})).html
