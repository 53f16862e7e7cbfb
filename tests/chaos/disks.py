"""T6: the disks of Redis, of the file channel and of PostgreSQL run full, and have room again."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.chaos import invariants
from tests.chaos.facts import gather
from tests.chaos.invariants import Finding
from tests.chaos.rig import Rig, rig
from tests.chaos.waiting import drain

ROUTES = {severity: ["file", "webhook"] for severity in ("critical", "high", "medium", "low")}


def disks(seed: int, *, seconds: float = 8, rate: float = 15) -> list[Finding]:
    """Each has 16 MB of its own. While they are full, calls say so and nothing is lost; then all goes on by itself."""
    del seed
    with _small_disks("redis", "file", "postgres") as disk:
        if disk is None:
            why = "not run: no small disk can be mounted here, which takes root and CAP_SYS_ADMIN"
            return [Finding(invariant="disks", figure=why, holds=None)]
        lines = disk / "file" / "alerts.jsonl"
        with rig(routes=ROUTES, redis_at=disk / "redis", file={"path": str(lines)}) as world:
            _move_alerts(world, disk / "postgres")
            world.keep_workers("one")
            caller = world.start("caller", *world.producer("caller", rate))
            time.sleep(seconds / 4)
            for each in disk.iterdir():
                _fill(each)
            time.sleep(seconds)
            for each in disk.iterdir():
                (each / "filler").unlink()
            time.sleep(seconds / 2)
            caller.stop()
            drain(world)
            facts = gather(world)
            sent = [each for each in facts.deliveries if each.channel == "file" and each.status == "sent"]
            written = lines.read_text()
            missing = [each for each in sent if each.delivery_id not in written]
            errors = sum(call.error is not None for call in facts.calls)
            return [
                *invariants.always(facts),
                invariants.clear(facts),
                Finding(
                    invariant="disks",
                    figure=f"{errors} calls told of a full disk; {len(missing)} of {len(sent)} lines missing",
                    holds=errors > 0 and not missing and len(sent) > 0,
                ),
            ]


@contextmanager
def _small_disks(*names: str) -> Iterator[Path | None]:
    """A directory with a small disk below each name; None where none can be mounted."""
    with tempfile.TemporaryDirectory(prefix="precog-disks-") as place:
        disk = Path(place)
        disk.chmod(0o711)
        mounted = [disk / name for name in names if _mount(disk / name)]
        try:
            yield disk if len(mounted) == len(names) else None
        finally:
            for each in mounted:
                subprocess.run(["umount", "--lazy", str(each)], check=False)


def _mount(place: Path) -> bool:
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(place)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _move_alerts(world: Rig, disk: Path) -> None:
    """To a tablespace on that disk, with what the server's account needs to use it."""
    place = disk / "alerts"
    place.mkdir(mode=0o700)
    data = next((world.folder / "postgres").glob("postgres-*/PG_VERSION")).stat()
    disk.chmod(0o711)
    os.chown(place, data.st_uid, data.st_gid)
    world.sql(f"CREATE TABLESPACE small LOCATION '{place}'")
    world.sql("ALTER TABLE alerts SET TABLESPACE small")


def _fill(disk: Path) -> None:
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"\0" * 4096)
