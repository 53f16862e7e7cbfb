"""Which processes came from which, read from /proc."""

from collections import defaultdict
from pathlib import Path


def family(pid: int) -> list[int]:
    """It and all that came from it, parents first."""
    children = _children()
    found = [pid]
    for each in found:  # grows while it is read
        found += children.get(each, [])
    return found


def senders(worker: int) -> list[int]:
    """A worker's children that deliver: all but its recovery and what came from that."""
    return [pid for pid in _children().get(worker, []) if b"precog.recovery" not in command_line(pid)]


def recovery_of(worker: int) -> list[int]:
    return [pid for pid in _children().get(worker, []) if b"precog.recovery" in command_line(pid)]


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return 0


def alive_in(folder: Path) -> list[int]:
    """The processes that work below a folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if link.readlink().is_relative_to(folder):
                found.append(int(link.parent.name))
        except OSError:
            continue
    return found


def _children() -> dict[int, list[int]]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            children[int(parent)].append(int(stat.parent.name))
    return children
