"""`python -m tests.chaos.mutants [NAME...]`: the fault suite must be able to fail, `make chaos-mutants`.

Each mutant is one guard taken out of a copy of the package. The smallest test that must notice runs against the copy,
and the invariant that is named for the guard has to be broken there.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CHECKOUT = Path(__file__).parents[2]
_PARTS = ("precog", "workers", "database", "config", "tests", "celeryconfig.py", ".env.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    file: str
    old: str
    """What stands there exactly once."""
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    name: str
    changes: tuple[Change, ...]
    scenario: str
    caught_by: str
    """The invariant named for the guard."""
    size: Mapping[str, Any] = field(default_factory=dict)
    """How much of the scenario it takes."""


_LEASE_IS_OVER = " AND d.lease_until < clock_timestamp()"

MUTANTS = (
    Mutant(
        name="recovery is off",
        changes=(
            Change(
                file="precog/recovery/process.py",
                old="            duties.heal(self._courier)\n        finally:\n            self._hand_out()",
                new="            pass\n        finally:\n            pass",
            ),
        ),
        scenario="broker",
        caught_by="lost",
        size={"alerts": 60},
    ),
    Mutant(
        name="the lease is not looked at",
        changes=(
            Change(
                file="database/queries/recovery.sql",
                old=f"d.status = 'sending'{_LEASE_IS_OVER}\nORDER BY",
                new="d.status = 'sending'\nORDER BY",
            ),
            Change(
                file="database/queries/recovery.sql",
                old=f"  AND d.status = 'sending'{_LEASE_IS_OVER}\nRETURNING",
                new="  AND d.status = 'sending'\nRETURNING",
            ),
        ),
        scenario="patience",
        caught_by="leased",
    ),
    Mutant(
        name="the fence is down",
        changes=(
            Change(
                file="database/queries/deliveries.sql",
                old="AND d.attempts = %(attempt)s AND d.status IN ('sending', 'unknown')",
                new="AND d.status IN ('sending', 'unknown')",
            ),
        ),
        scenario="frozen",
        caught_by="honest",
    ),
    Mutant(
        name="Redis alone limits SMS",
        changes=(
            Change(
                file="precog/delivery.py",
                old="        frees_at = pacing.sms_may_go_at(use.counted, limits, now=use.now)\n",
                new="        at = pacing.sms_may_go_at(use.counted, limits, now=use.now)\n"
                "        frees_at = None if locked else at\n",
            ),
        ),
        scenario="sms",
        caught_by="sms",
        size={"alerts": 20, "workers": 2, "seconds": 10},
    ),
    Mutant(
        name="unfinished tries do not count",
        changes=(
            Change(
                file="database/queries/limits.sql",
                old="(t.outcome IS NULL OR t.outcome IN ('accepted', 'unknown'))",
                new="t.outcome IN ('accepted', 'unknown')",
            ),
        ),
        scenario="sms",
        caught_by="sms",
        size={"alerts": 60, "workers": 4, "seconds": 10, "only_slow": True},
    ),
    Mutant(
        name="a call has no identity",
        changes=(
            Change(
                file="precog/store/calls.py",
                old="    uuids = [str(alert.alert_uuid) for alert in alerts]\n",
                new="    import dataclasses, uuid\n"
                "    alerts = [dataclasses.replace(alert, alert_uuid=uuid.uuid4()) for alert in alerts]\n"
                "    uuids = [str(alert.alert_uuid) for alert in alerts]\n",
            ),
        ),
        scenario="commits",
        caught_by="once",
        size={"calls": 40},
    ),
    Mutant(
        name="equals are not serialised",
        changes=(
            Change(
                file="database/queries/alerts.sql",
                old="SELECT pg_advisory_xact_lock(hashtextextended(asked.fingerprint, 0)) FROM",
                new="SELECT hashtextextended(asked.fingerprint, 0) FROM",
            ),
        ),
        scenario="forks",
        caught_by="dedup",
        size={"children": 2, "each": 5},
    ),
    Mutant(
        name="a caller's transaction decides",
        changes=(
            Change(
                file="precog/store/calls.py",
                old='        cursor.execute(sql("alerts.write"), {"calls": _calls([alert])})\n',
                new="        locks = [lock_name(alert.environment, alert.fingerprint)]\n"
                '        cursor.execute(sql("alerts.lock"), {"fingerprints": locks})\n'
                '        cursor.execute(sql("alerts.log"), {"calls": _calls([alert]), "ring": False})\n',
            ),
        ),
        scenario="callers",
        caught_by="callers",
        size={"pairs": 4},
    ),
)


def main() -> None:
    wanted = sys.argv[1:] or [mutant.name for mutant in MUTANTS]
    survivors = []
    for mutant in MUTANTS:
        if mutant.name in wanted:
            verdict = _try(mutant)
            survivors += [] if verdict.caught else [mutant.name]
            print(f"{'caught  ' if verdict.caught else 'SURVIVED'}  {mutant.name}: {verdict.said}", flush=True)
    if survivors:
        sys.exit(f"not caught: {', '.join(survivors)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    caught: bool
    said: str


def _try(mutant: Mutant) -> _Verdict:
    with tempfile.TemporaryDirectory(prefix="precog-mutant-") as folder:
        copy = Path(folder)
        _copy_to(copy)
        for change in mutant.changes:
            _apply(change, copy)
        command = [sys.executable, "-m", "tests.chaos.one", mutant.scenario, json.dumps(dict(mutant.size))]
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        run = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        if run.returncode != 0:
            return _Verdict(caught=False, said=f"the test did not run: {run.stderr.strip()[-500:]}")
        return _verdict(mutant, json.loads(run.stdout.splitlines()[-1]))


def _verdict(mutant: Mutant, broken: Mapping[str, str]) -> _Verdict:
    """`broken`: each invariant that did not hold, with its figure."""
    if mutant.caught_by not in broken:
        return _Verdict(caught=False, said=f"{mutant.caught_by} held; broken: {broken or 'nothing'}")
    also = ", ".join(name for name in broken if name != mutant.caught_by)
    return _Verdict(
        caught=True, said=f"{mutant.caught_by}: {broken[mutant.caught_by]}{f'; also {also}' if also else ''}"
    )


def _copy_to(copy: Path) -> None:
    for part in _PARTS:
        source = _CHECKOUT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / part)


def _apply(change: Change, copy: Path) -> None:
    file = copy / change.file
    text = file.read_text()
    if text.count(change.old) != 1:
        sys.exit(f"{change.file} holds this {text.count(change.old)} times, not once; renew the mutant:\n{change.old}")
    file.write_text(text.replace(change.old, change.new))


if __name__ == "__main__":
    main()
