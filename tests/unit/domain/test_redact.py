import pytest

from precog.domain.redact import STORED_LIMIT, redact, short_reason

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Max retries: host='hooks.slack.com' url: /services/T0AAA/B0BBB/CcCcCc", "CcCcCc"),
        ("https://hooks.slack.com/services/T0AAA/B0BBB/CcCcCc failed", "CcCcCc"),
        ("could not reach postgresql://precog:s3cr3t@db/precog", "s3cr3t"),
        ("GET https://example.com/hook?token=abc123&x=1", "abc123"),
        ("the api_key: abc123 was refused", "abc123"),
        ("secret whsec_C2FVsBQIhrscChlQIMV is short", "C2FVsBQIhrscChlQIMV"),
        ("account AC0123456789abcdef0123456789abcdef is closed", "0123456789abcdef"),
        ("sent Authorization: Bearer eyJhbGciOi.J9", "eyJhbGciOi"),
    ],
)
def test_a_secret_of_a_known_shape_is_masked_although_nobody_named_it(text: str, secret: str) -> None:
    assert secret not in redact(text)


def test_a_configured_secret_is_masked_plain_and_percent_encoded() -> None:
    assert redact("p@ss word and p%40ss%20word", ["p@ss word"]) == "*** and ***"


def test_the_longer_of_two_overlapping_secrets_goes_first() -> None:
    assert redact("hunter2-extended", ["hunter2", "hunter2-extended"]) == "***"


def test_an_empty_secret_masks_nothing() -> None:
    assert redact("plain", [""]) == "plain"


def test_ordinary_words_stay_readable() -> None:
    text = "connection refused by smtp.example.com:587 after 3 tokens"
    assert redact(text) == text


def test_a_stored_reason_steers_no_terminal_and_holds_nothing_that_postgresql_refuses() -> None:
    assert short_reason("a\x1b[2J\x00\u202e\ud800b") == "a\ufffd[2J\ufffd\ufffd\ufffdb"


def test_a_stored_reason_is_one_line_of_bounded_length() -> None:
    reason = short_reason("a\n\tb " + "x" * 10_000)
    assert reason.startswith("a b x")
    assert len(reason) == STORED_LIMIT
