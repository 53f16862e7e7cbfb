"""Keys that name a variable, filled from the environment."""

from pathlib import Path

import pytest

from precog.settings.source import Source, read_source

pytestmark = pytest.mark.unit


def _source(directory: Path, text: str, environ: dict[str, str]) -> Source:
    file = directory / "file.yaml"
    file.write_text(text)
    return read_source(file, environ)


def test_a_variable_fills_the_key_without_its_suffix_at_any_depth(tmp_path: Path) -> None:
    text = "a_env: A\nb:\n  c_env: C\n  d:\n    - e_env: E\n"
    source = _source(tmp_path, text, {"A": "1", "C": " two ", "E": "x,y"})
    assert source.value == {"a": "1", "b": {"c": "two", "d": [{"e": "x,y"}]}}
    assert source.tree.value == {"a_env": "A", "b": {"c_env": "C", "d": [{"e_env": "E"}]}}


@pytest.mark.parametrize("environ", [{}, {"A": ""}, {"A": " \t"}])
def test_an_unset_or_blank_variable_leaves_its_key_out(tmp_path: Path, environ: dict[str, str]) -> None:
    source = _source(tmp_path, "a_env: A\nb: 1\n", environ)
    assert source.value == {"b": 1}
    assert source.unset == {("a",)}


def test_a_variables_value_is_taken_as_it_is(tmp_path: Path) -> None:
    source = _source(tmp_path, "a_env: A\n", {"A": "${B} *x +1555 yes"})
    assert source.value == {"a": "${B} *x +1555 yes"}
    assert not source.faults


def test_a_problem_is_placed_at_the_key_as_it_is_written(tmp_path: Path) -> None:
    source = _source(tmp_path, "a: 1\nb:\n  c_env: C\n  d_env: D\n", {"C": "x,y"})
    places = [
        source.problem(path, "").place.rpartition("/")[2] for path in [("b", "c", 1), ("b", "d"), ("b", "e"), ("z",)]
    ]
    assert places == ["file.yaml:3 b.c_env[1] (C)", "file.yaml:4 b.d_env", "file.yaml:2 b.e", "file.yaml:1 z"]


@pytest.mark.parametrize("text", ["a: ${A}", "a: x${A}y", "a: [1, '${A}']", "a: {b: ${", "a: '${'"])
def test_a_shell_expansion_is_refused_instead_of_being_taken_as_text(tmp_path: Path, text: str) -> None:
    assert _source(tmp_path, text, {"A": "1"}).faults


def test_a_dollar_sign_alone_is_text(tmp_path: Path) -> None:
    assert not _source(tmp_path, "a: costs $5\n", {}).faults


@pytest.mark.parametrize("variable", ["5", "''", "a-b", "[A]", "mail.example.com", "~"])
def test_what_is_no_variables_name_is_refused(tmp_path: Path, variable: str) -> None:
    source = _source(tmp_path, f"a_env: {variable}\n", {})
    assert source.faults == {("a",): "a_env must name an environment variable, such as A"}
