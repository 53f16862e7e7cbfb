"""`precog prune`: what ended long ago goes, its counts stay; old health checks and failed requests go."""

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from precog.arguments import environment_named
from precog.cli.configured import current_settings
from precog.cli.options import EnvironmentName, Json
from precog.cli.output import coloured, new_table, out, print_json, say
from precog.domain.alerts import Severity
from precog.store import counts, retention


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    severity: Severity
    """Of the alert that began the incident."""
    kept_days: int
    incidents: int
    alerts: int | None
    """None where nothing was removed but only looked at."""


def prune(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many incidents would go.")] = False,
    environment: EnvironmentName = None,
    as_json: Json = False,
) -> None:
    """Remove incidents that ended longer ago than `retention` in system.yaml keeps them, each as a whole.

    Never one that is open, has a delivery on its way, or that `precog alerts hold` keeps. How many alerts each hour brought stays. Results of health checks and failed requests to platforms go after `retention.checks_days`, but the newest check of each component and those that raised an alert. Run it once a day. It logs in as PRECOG_OWNER_URL says, since only the owner of the tables may delete.

    Example: precog prune --dry-run
    """  # noqa: E501 - the help keeps a line's end, and wraps by itself
    where, kept = environment_named(environment), current_settings().retention
    days = kept.days
    if not dry_run:
        counts.roll_up(where)
    lines = []
    for severity in Severity:
        if dry_run:
            incidents, alerts = retention.removable(where, severity, days), None
        else:
            removed = retention.remove(where, severity, days)
            incidents, alerts = removed.incidents, removed.alerts
        lines.append(_Line(severity=severity, kept_days=days[severity], incidents=incidents, alerts=alerts))
    checks = retention.removable_checks(kept.checks_days) if dry_run else retention.remove_checks(kept.checks_days)
    failures = (
        retention.removable_failures(kept.checks_days) if dry_run else retention.remove_failures(kept.checks_days)
    )
    if as_json:
        print_json(
            {"incidents": [asdict(each) for each in lines], "health_checks": checks, "failed_requests": failures}
        )
    else:
        _print(lines, checks, failures, dry_run=dry_run)


def _print(lines: list[_Line], checks: int, failures: int, *, dry_run: bool) -> None:
    table = new_table("SEVERITY", "KEPT", "INCIDENTS", *([] if dry_run else ["ALERTS"]))
    for each in lines:
        numbers = [f"{each.incidents:,}", *([] if each.alerts is None else [f"{each.alerts:,}"])]
        table.add_row(coloured(each.severity), f"{each.kept_days} days", *numbers)
    out().print(table)
    incidents = _counted(sum(each.incidents for each in lines), "incident")
    others = f"{_counted(checks, 'health check')} and {_counted(failures, 'failed request')}"
    say(f"{incidents}, {others} {'would go' if dry_run else 'removed'}")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
