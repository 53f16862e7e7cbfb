"""Times, texts and JSON as the commands print them."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from uuid import UUID

import pytest
from rich.console import Console

from precog.cli.output import exact, new_table, plain, print_json, relative

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 23, 3, 3, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "now"),
        (-0.9, "now"),
        (-1, "1 s ago"),
        (-59.9, "59 s ago"),
        (-60, "1 min ago"),
        (-7199, "119 min ago"),
        (-7200, "2 h ago"),
        (-172799, "47 h ago"),
        (-172800, "2 d ago"),
        (90, "in 1 min"),
        (7300, "in 2 h"),
    ],
)
def test_a_moment_is_told_from_now_in_a_unit_that_is_quickly_read(seconds: float, words: str) -> None:
    assert relative(NOW + timedelta(seconds=seconds), NOW) == words


def test_an_exact_time_is_in_utc_and_says_so() -> None:
    berlin = NOW.astimezone(tz=None)
    assert exact(berlin) == "2026-11-23 03:03:37 UTC"


def test_a_text_is_one_line_without_control_characters() -> None:
    assert plain("a\nb\x1b[31m [red]c").plain == r"a b\x1b[31m [red]c"


def test_json_keeps_decimals_exact_and_times_with_their_zone(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": NOW, "price": Decimal("0.4200"), "id": UUID(int=1), "text": "ü \x9b"})
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == {
        "at": "2026-11-23T03:03:37+00:00",
        "price": "0.4200",
        "id": "00000000-0000-0000-0000-000000000001",
        "text": "ü \x9b",
    }


def test_a_table_without_room_cuts_nothing_off() -> None:
    table = new_table("ROLE", "SCOPE")
    table.add_row("precog_programs", "platform:kalshi")
    shown = StringIO()
    Console(width=20, file=shown).print(table)
    lines = shown.getvalue().splitlines()[1:]
    columns = zip(*(line.split() for line in lines), strict=True)
    assert ["".join(each) for each in columns] == ["precog_programs", "platform:kalshi"]
