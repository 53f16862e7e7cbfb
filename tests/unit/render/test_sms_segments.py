import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.render.segments import ELLIPSIS, fit, plain, segments

pytestmark = pytest.mark.unit

EMOJI = "😀"
FAMILY = "👩\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 1600, 11),
        ("€" * 80, 1),  # each takes two of 160
        ("€" * 81, 2),
        ("€" * 153, 3),  # 76 to a part: no character is split, so one place in each stays empty
        ("a" * 69 + "ё", 1),
        ("a" * 70 + "ё", 2),
        (EMOJI * 35, 1),
        (EMOJI * 36, 2),
        (EMOJI * 67, 3),  # 33 to a part of 67
        ("", 1),
    ],
)
def test_parts_are_counted_as_a_phone_network_does(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_typographic_signs_do_not_turn_a_text_into_ucs2() -> None:
    assert plain("“won’t” – 5 ≥ 3…\u00a0ok") == '"won\'t" - 5 >= 3... ok'
    assert segments(plain("’" * 160)) == 1


@given(text=st.text(), tail=st.text(max_size=30), parts=st.integers(min_value=1, max_value=3))
def test_whatever_the_text_it_fits_and_keeps_its_tail(text: str, tail: str, parts: int) -> None:
    fitted = fit(text * 20, tail, parts)
    assert segments(fitted) <= parts
    assert fitted.endswith(tail)


@given(text=st.text(st.sampled_from("aé€ё😀")), parts=st.integers(min_value=1, max_value=3))
def test_no_more_is_cut_than_must_be(text: str, parts: int) -> None:
    text = "x" + text * 10
    kept = fit(text, "", parts).removesuffix(ELLIPSIS)
    if kept != text:
        assert text.startswith(kept)
        assert segments(text[: len(kept) + 1] + ELLIPSIS) > parts


@pytest.mark.parametrize("sign", [FAMILY, "e\u0301", "👍\U0001f3fd", "❤\ufe0f"])
@pytest.mark.parametrize("offset", range(12))
def test_what_a_reader_sees_as_one_sign_is_never_cut_in_half(sign: str, offset: int) -> None:
    kept = fit("x" * offset + sign * 200, "", 1).removesuffix(ELLIPSIS)
    assert kept[offset:].replace(sign, "") == ""
