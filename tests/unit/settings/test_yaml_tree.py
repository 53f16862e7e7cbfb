"""What a YAML file means, and what is refused because it could mean something else."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from precog.settings import yaml_tree
from precog.settings.yaml_scalar import Scalar, read_plain
from precog.settings.yaml_tree import Plain, Tree, read_tree

pytestmark = pytest.mark.unit


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def _each_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML comes with and without its C library: the two must read alike."""
    monkeypatch.setattr(yaml_tree, "_Loader", getattr(yaml, request.param))


def _tree(directory: Path, text: str) -> Tree:
    file = directory / "file.yaml"
    file.write_text(text)
    return read_tree(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-3", -3),
        ("0", 0),
        ("0.15", Decimal("0.15")),
        ("0.10", Decimal("0.10")),
        (".5", Decimal("0.5")),
        ("-0.0", Decimal("-0.0")),
        ("1.5e-3", Decimal("0.0015")),
        ("1e3", Decimal("1e3")),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("v1.2", "v1.2"),
        ("inf", "inf"),
    ],
)
def test_an_unquoted_word_means_what_yaml_1_2_says(text: str, value: Scalar) -> None:
    read = read_plain(text)
    assert (type(read), str(read)) == (type(value), str(value))


@pytest.mark.parametrize(
    "text", ["+15551234567", "+1.5", "007", "-01", "00.5", "yes", "No", "ON", "off", ".inf", "-.INF", ".nan"]
)
def test_what_readers_disagree_about_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quote it|not a finite number"):
        read_plain(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6))
def test_every_fraction_is_exact(number: Decimal) -> None:
    assert str(read_plain(f"{number:f}")) == f"{number:f}"


@given(st.text(max_size=60))
def test_any_word_is_read_or_refused_and_never_a_float(text: str) -> None:
    with suppress(ValueError):
        assert not isinstance(read_plain(text), float)


@pytest.mark.usefixtures("_each_loader")
def test_a_quoted_word_is_text(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "a: '+15551234567'\nb: \"yes\"\nc: |\n  0123\n")
    assert tree.value == {"a": "+15551234567", "b": "yes", "c": "0123\n"}
    assert not tree.faults


@pytest.mark.usefixtures("_each_loader")
def test_every_key_and_item_knows_its_line(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "a:\n  b: 1\n  c:\n    - x\n    - y: 2\n")
    assert tree.value == {"a": {"b": 1, "c": ["x", {"y": 2}]}}
    assert tree.lines["a", "b"] == 2
    assert tree.lines["a", "c", 0] == 4
    assert tree.lines["a", "c", 1, "y"] == 5


@pytest.mark.usefixtures("_each_loader")
def test_all_faults_of_a_file_are_found_at_once(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "a: +1\nb: yes\nb: 2\nc: &x 1\nd: *x\n2: e\n")
    assert set(tree.faults) == {("a",), ("b",), ("d",), ("2",)}


@pytest.mark.usefixtures("_each_loader")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "is empty"),
        ("# nothing but a comment\n", "is empty"),
        ("null\n", "is empty"),
        ("- a\n", "must be a mapping"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("? [a]\n: b\n", "a key that is not a word"),
        ("a: " + "[" * 100_000, "nested deeper than 20"),
        ("a: " + "{b: " * 30 + "1" + "}" * 30, "nested deeper than 20"),
        ("a: 'never closed\n", "is not YAML"),
        ("a: b: c\n", "is not YAML"),
        ("a: \x07\n", "is not YAML"),
        ("#" * (yaml_tree.LARGEST_FILE + 1), "is larger than 256 kB"),
    ],
)
def test_a_file_that_cannot_be_meant_has_no_values(tmp_path: Path, text: str, fault: str) -> None:
    tree = _tree(tmp_path, text)
    assert tree.value == {}
    assert fault in tree.faults[()]


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes(b"a: 1\nb: \xe9\n")
    tree = read_tree(file)
    assert tree.faults == {(): "is not UTF-8 text"}
    assert tree.lines[()] == 2


def test_a_missing_file_says_which_directory_must_hold_it(tmp_path: Path) -> None:
    fault = read_tree(tmp_path / "none.yaml").faults[()]
    assert "No such file" in fault
    assert "PRECOG_CONFIG_DIR" in fault


def test_a_syntax_error_does_not_quote_the_line(tmp_path: Path) -> None:
    tree = _tree(tmp_path, "password: hunter2: oops\n")
    assert "hunter2" not in tree.faults[()]


_texts: st.SearchStrategy[Plain] = st.recursive(
    st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(value=st.dictionaries(st.text(max_size=10), _texts, min_size=1, max_size=4))
def test_what_is_written_quoted_comes_back_as_it_was(
    value: dict[str, Plain], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tree = _tree(tmp_path_factory.getbasetemp(), yaml.safe_dump(value, default_style='"'))
    assert (tree.value, dict(tree.faults)) == (value, {})
