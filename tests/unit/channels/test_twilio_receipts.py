"""What Twilio says of an SMS that it took, in our words."""

import pytest

from precog.channels.sms import MISCONFIGURED
from precog.channels.sms_receipts import BROKEN, NOT_DELIVERED, receipt
from precog.domain.deliveries import ReceiptState

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("status", "state"),
    [
        *(
            (each, ReceiptState.QUEUED)
            for each in ("accepted", "scheduled", "queued", "sending", "sent", "new", "", None)
        ),
        *((each, ReceiptState.DELIVERED) for each in ("delivered", "read")),
        *((each, ReceiptState.UNDELIVERED) for each in ("undelivered", "failed", "canceled")),
    ],
)
def test_only_what_is_final_is_final(status: str | None, state: ReceiptState) -> None:
    said = receipt("SM1", status)
    assert (said.provider_message_id, said.state) == ("SM1", state)
    assert (said.error_code is not None) == (state is ReceiptState.UNDELIVERED)


@pytest.mark.parametrize("code", [*BROKEN, *NOT_DELIVERED])
def test_each_code_has_words_for_a_person_and_breaks_the_channel_only_where_the_account_is_at_fault(code: int) -> None:
    said = receipt("SM1", "undelivered", str(code), "UNDELIVERED_BY_CARRIER")
    assert (said.error_code, said.error) == (str(code), {**BROKEN, **NOT_DELIVERED}[code])
    assert said.misconfigured == (code in BROKEN)


def test_what_breaks_the_channel_afterwards_breaks_it_at_once_as_well() -> None:
    assert BROKEN.keys() <= MISCONFIGURED.keys()
    assert not BROKEN.keys() & NOT_DELIVERED.keys()


def test_a_code_beside_a_message_that_is_not_undelivered_means_nothing() -> None:
    assert receipt("SM1", "delivered", "30034").error_code is None
    assert not receipt("SM1", "sent", "30034").misconfigured


def test_words_of_the_provider_are_cut_and_lose_their_secrets() -> None:
    said = receipt("SM1", "failed", "39999", "token=planted-secret " + "x" * 5_000)
    assert said.error is not None
    assert len(said.error) < 600
    assert "planted-secret" not in said.error
