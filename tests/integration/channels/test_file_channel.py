import json
import os
import resource
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from precog.channels.file import FileChannel, FileSettings
from precog.domain.deliveries import Message
from precog.errors import ChannelMisconfigured, TransientFailure

pytestmark = pytest.mark.integration

Make = Callable[..., Message]


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_alert_is_one_json_line_in_a_private_file(tmp_path: Path, make_message: Make) -> None:
    path = tmp_path / "logs" / "alerts.jsonl"
    channel = FileChannel(FileSettings(path=path))
    channel.send(make_message(alert_id=1))
    channel.send(make_message(alert_id=2, message="two\nlines"))
    assert [entry["alert_id"] for entry in entries(path)] == [1, 2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    channel.close()


def test_a_rotated_file_is_left_alone_and_a_new_one_begun(tmp_path: Path, make_message: Make) -> None:
    path = tmp_path / "alerts.jsonl"
    channel = FileChannel(FileSettings(path=path))
    channel.send(make_message(alert_id=1))
    path.rename(tmp_path / "alerts.jsonl.1")
    channel.send(make_message(alert_id=2))
    assert [entry["alert_id"] for entry in entries(path)] == [2]
    assert [entry["alert_id"] for entry in entries(tmp_path / "alerts.jsonl.1")] == [1]
    channel.close()


def test_many_writers_never_mix_their_lines(tmp_path: Path, make_message: Make) -> None:
    path = tmp_path / "alerts.jsonl"
    message = make_message(details={"filler": "x" * 10_000})

    def write() -> None:
        channel = FileChannel(FileSettings(path=path))
        for _ in range(20):
            channel.send(message)
        channel.close()

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(entries(path)) == 160


def test_a_symbolic_link_is_refused_and_its_target_untouched(tmp_path: Path, make_message: Make) -> None:
    target = tmp_path / "passwd"
    target.write_text("root")
    (tmp_path / "alerts.jsonl").symlink_to(target)
    with pytest.raises(ChannelMisconfigured, match=r"notifications\.file\.path"):
        FileChannel(FileSettings(path=tmp_path / "alerts.jsonl")).send(make_message())
    assert target.read_text() == "root"


@pytest.mark.parametrize("kind", ["directory", "fifo", "below a file"])
def test_what_is_no_file_is_a_fault_of_the_configuration(tmp_path: Path, make_message: Make, kind: str) -> None:
    path = tmp_path / "alerts.jsonl"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.touch()
        path /= "deeper.jsonl"
    with pytest.raises(ChannelMisconfigured):
        FileChannel(FileSettings(path=path)).send(make_message())


@contextmanager
def room_for(path: Path, more: int) -> Iterator[None]:
    """Let the file grow by `more` bytes and no further, as a disk does that runs full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_runs_full_is_transient_and_spoils_no_later_line(tmp_path: Path, make_message: Make) -> None:
    path = tmp_path / "alerts.jsonl"
    channel = FileChannel(FileSettings(path=path))
    channel.send(make_message(alert_id=1))
    with room_for(path, 10), pytest.raises(TransientFailure, match="File too large"):
        channel.send(make_message(alert_id=2))
    channel.send(make_message(alert_id=3))
    lines = path.read_text().splitlines()
    assert [json.loads(lines[0])["alert_id"], lines[1], json.loads(lines[2])["alert_id"]] == [1, '{"alert_id', 3]
    channel.close()
