"""`precog health`: the verdict, for a monitor or a person."""

from dataclasses import asdict

import typer

from precog.arguments import environment_named
from precog.cli.configured import current_settings
from precog.cli.options import EnvironmentName, Json
from precog.cli.outcome import words
from precog.cli.output import coloured, out, plain, print_json, relative, say
from precog.cli.stderr import say_error
from precog.courier import sms_limits
from precog.domain.verdict import Figures, Verdict
from precog.errors import ConfigError
from precog.health import SHIPPED_LIMITS, Health
from precog.health import health as ask
from precog.pacing import SmsLimits

_STATUS = {Verdict.OK: 0, Verdict.DEGRADED: 1, Verdict.DOWN: 2}


def health(*, environment: EnvironmentName = None, as_json: Json = False) -> None:
    """Say from the database whether alerts reach people: ok, degraded or down, with the reasons and what mends them.

    Exit status, as monitors know it: 0 ok, 1 degraded, 2 down, or nobody can say.

    Example: precog health
    """
    try:
        found = ask(environment_named(environment), sms_limits=_limits())
    except ConfigError as error:  # such as no DATABASE_URL: to a monitor, 1 would mean that alerts still reach people
        say_error(words(error))
        raise typer.Exit(_STATUS[Verdict.DOWN]) from error
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)
    raise typer.Exit(_STATUS[found.verdict])


def _limits() -> SmsLimits:
    """Those of the configuration; one that cannot be read is for `precog doctor`."""
    try:
        return sms_limits(current_settings())
    except ConfigError:
        return SHIPPED_LIMITS


def _print(found: Health) -> None:
    out().print(coloured(found.verdict))
    for each in found.reasons:
        say(each.what)
        out().print(plain(f"→ {each.mend}", "bold"), soft_wrap=True)
    if found.figures is not None:
        say(_figures(found.figures))


def _figures(figures: Figures) -> str:
    claim = relative(figures.last_claim_at, figures.now) if figures.last_claim_at else "never"
    beat = relative(figures.last_beat_at, figures.now) if figures.last_beat_at else "never"
    return (
        f"{figures.due} due; last try {claim}; recovery beat {beat}; {figures.failed_in_a_day} failed in a day; "
        f"SMS left: {figures.sms_left_this_hour} this hour, {figures.sms_left_this_day} this day"
    )
