"""Which exit status an error ends with, and what a failed notification asks of a person."""

from datetime import UTC, datetime

import pytest

from precog import errors
from precog.cli.outcome import Exit, status, words
from precog.cli.trial import answer, next_step
from precog.domain.deliveries import Receipt, ReceiptState

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.AlertValueError("severity", "no"), Exit.USAGE),
        (errors.AlertTypeError("severity", 1, "str"), Exit.USAGE),
        (errors.UnknownAlert(7, "demo"), Exit.UNKNOWN_ID),
        (errors.UnknownMethod("a@v1.0"), Exit.UNKNOWN_ID),
        (errors.MethodInvalid([]), Exit.USAGE),
        (errors.MethodRefused("not yet"), Exit.NOT_WELL),
        (errors.AlertStoreUnavailable("away"), Exit.STORE_AWAY),
        (errors.StoreBusy(2.0, 10), Exit.STORE_AWAY),
        (errors.SchemaMismatch("old"), Exit.STORE_AWAY),
        (errors.MigrationFailed("line 3"), Exit.NOT_WELL),
        (errors.ConfigError([]), Exit.NOT_WELL),
        (errors.SmsLimitReached(datetime(2026, 1, 1, tzinfo=UTC)), Exit.NOT_WELL),
    ],
)
def test_an_error_ends_with_the_status_of_its_kind(error: errors.PrecogError, expected: Exit) -> None:
    assert status(error) is expected


def test_one_problem_of_the_configuration_is_one_line_and_several_are_counted() -> None:
    one = errors.Problem("SMTP_PORT", "is not a number")
    assert words(errors.ConfigError([one])) == "SMTP_PORT: is not a number"
    assert words(errors.ConfigError([one, one])).startswith("2 problems")


@pytest.mark.parametrize(
    ("failure", "advice"),
    [
        (errors.ChannelMisconfigured("535", code="535"), "precog config check"),
        (errors.PermanentFailure("550", code="550"), "not sent again"),
        (errors.RateLimited("429", code="429"), "try again in a while"),
        (errors.UnknownOutcome("timeout", code="timeout"), "may have arrived"),
    ],
)
def test_each_class_of_failure_has_its_next_step(failure: errors.SendFailure, advice: str) -> None:
    assert advice in next_step(failure)


def test_the_providers_answer_is_shown_as_far_as_it_gave_one() -> None:
    assert answer(Receipt()) == ""
    full = Receipt(detail="201 Created", state=ReceiptState.QUEUED, provider_message_id="SM1")
    assert answer(full) == ": 201 Created, queued, id SM1"
