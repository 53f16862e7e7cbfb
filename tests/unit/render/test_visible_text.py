import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.render.visible import cut, one_line, visible

pytestmark = pytest.mark.unit

UNSEEN = [
    *map(chr, range(0x20)),
    "\x7f",
    *map(chr, range(0x80, 0xA0)),
    "\u202e",
    "\u2066",
    "\u2069",
    "\ud800",
    "\u2028",
]


@pytest.mark.parametrize("character", [c for c in UNSEEN if c not in "\t\n"])
def test_a_character_that_could_steer_a_terminal_or_a_reader_is_shown_as_an_escape(character: str) -> None:
    assert character not in visible(f"a{character}b")


def test_tabs_newlines_and_every_script_stay() -> None:
    assert visible("a\tb\nпривет 😀 é") == "a\tb\nпривет 😀 é"


@given(st.text(st.characters(codec=None)))
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_cut_text_fits(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit
