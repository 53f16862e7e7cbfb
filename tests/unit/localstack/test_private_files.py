"""Files with secrets in them are their owner's alone, whatever lay in their place."""

import stat
from pathlib import Path

import pytest

from precog.localstack.server import write_private

pytestmark = pytest.mark.unit


def test_a_file_that_others_could_read_is_one_that_they_cannot_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", 0o600)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("old")
    (tmp_path / "env").symlink_to(tmp_path / "theirs")
    write_private(tmp_path / "env", "new")
    assert (tmp_path / "theirs").read_text() == "old"
