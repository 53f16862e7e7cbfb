"""What `precog doctor` looks at: each check a function, each finding with the command that mends it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from precog import journal
from precog.channels.registry import KINDS
from precog.channels.webhook import WebhookSettings
from precog.cli.configured import channel_states, current_settings
from precog.cli.output import now, relative
from precog.courier import sms_limits
from precog.domain.alerts import Environment, Severity
from precog.domain.verdict import LATE_SECONDS, Figures, judge
from precog.errors import AlertStoreUnavailable, ConfigError, JournalError, SchemaMismatch
from precog.health import SHIPPED_LIMITS
from precog.settings import process
from precog.settings.model import Settings
from precog.settings.routes import planned_routes
from precog.store import channels, counts, health, interlock
from precog.store.failures import translated
from precog.store.migrate import require_current
from precog.store.pool import default_pool

OLDEST_POSTGRESQL = 15


class Grade(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    grade: Grade
    what: str
    mend: str = ""


def ok(what: str) -> Finding:
    return Finding(grade=Grade.OK, what=what)


def warning(what: str, mend: str) -> Finding:
    return Finding(grade=Grade.WARNING, what=what, mend=mend)


def problem(what: str, mend: str) -> Finding:
    return Finding(grade=Grade.PROBLEM, what=what, mend=mend)


def variables() -> Iterator[Finding]:
    try:
        settings = process.process_settings()
    except ConfigError as error:
        for place, text in error.problems:
            yield problem(f"{place} {text}", "set it; .env.example lists every variable")
    else:
        yield ok(f"the variables are set; environment: {settings.environment}")


def configuration() -> tuple[Settings | None, Finding]:
    try:
        return current_settings(), ok("the configuration holds")
    except ConfigError as error:
        count = len(error.problems)
        return None, problem(f"the configuration has {count} problem{'s' if count != 1 else ''}", "precog config check")


def reach(settings: Settings) -> Finding:
    """Whether anybody who is not at the worker's terminal hears of an alert."""
    states = channel_states(settings)
    on, off = [each for each in states if each.on], [each for each in states if not each.on]
    what = f"channels on: {_names(each.channel for each in on)}; off: {_names(each.channel for each in off)}"
    if any(KINDS[each.channel].remote for each in on):
        return ok(what)
    return warning(
        f"{what}; no channel reaches anybody who is away from this machine",
        "precog config check names the variables that are not set",
    )


def signature(settings: Settings) -> Iterator[Finding]:
    """Nothing where no webhook is on, or it is signed."""
    webhook = settings.channels.get("webhook")
    if isinstance(webhook, WebhookSettings) and not webhook.secrets():
        yield warning(
            "what is posted to the webhook is not signed, so that its receiver cannot tell it from anybody's",
            "set CUSTOM_WEBHOOK_SECRET here and where it is received; .env.example shows how to make one",
        )


def _names(names: Iterator[str]) -> str:
    return ", ".join(names) or "none"


def database(environment: Environment, settings: Settings | None) -> Iterator[Finding]:
    """The server, then the schema, then what is in it, as far as each lets the next be asked."""
    try:
        with translated(), default_pool().connection() as connection:
            yield version(connection.info.server_version)
            require_current(connection)
        yield ok("the schema is current")
        if settings is not None:
            yield routes(settings)
        yield from standing(health.figures(environment, sms_limits(settings) if settings else SHIPPED_LIMITS))
        yield untaken(environment)
        yield releasers(environment)
    except AlertStoreUnavailable as error:
        mend = "start it or correct DATABASE_URL; precog up starts one on this machine"
        yield problem(f"PostgreSQL does not answer: {error.reason}", mend)
    except SchemaMismatch as error:
        what, _, mend = str(error).rpartition("; ")
        yield problem(what, mend)


def version(number: int) -> Finding:
    """`number` as PostgreSQL gives it: 150004 is 15.4."""
    name = f"PostgreSQL {number // 10_000}.{number % 10_000}"
    if number // 10_000 >= OLDEST_POSTGRESQL:
        return ok(f"{name} answers")
    return problem(f"{name} is too old", f"upgrade it to {OLDEST_POSTGRESQL} or newer")


def routes(settings: Settings) -> Finding:
    wanted = frozenset(planned_routes(settings, KINDS))
    standing = channels.routes(settings.environment)
    if standing == wanted and standing:
        return ok(f"{len(standing)} routes, as configured here")
    if not standing:
        return problem(f"{settings.environment} has no routes: nobody is told of anything", "precog config apply")
    return warning(
        f"the routes differ from the configuration seen here: {len(wanted - standing)} are missing, "
        f"{len(standing - wanted)} are not configured",
        "precog config apply, where all channels' variables are set",
    )


def standing(figures: Figures) -> Iterator[Finding]:
    """What `precog health` says as well."""
    if figures.oldest_due_seconds < LATE_SECONDS:
        yield ok(f"deliveries are on time, {figures.due} due")
    for reason in judge(figures):
        yield problem(reason.what, reason.mend) if reason.broken else warning(reason.what, reason.mend)


def untaken(environment: Environment) -> Finding:
    waiting = counts.unacknowledged(environment, severity=Severity.CRITICAL)
    if waiting.oldest is None:
        return ok("no critical alert waits for somebody to take it on")
    oldest = relative(waiting.oldest, now())
    return warning(
        f"critical alerts that nobody has taken on: {waiting.alerts}, the oldest raised {oldest}",
        "precog alerts list --severity critical, then precog alerts ack ID",
    )


def releasers(environment: Environment) -> Finding:
    """Who may let orders go that an alert blocks. Shipped is everybody, since nobody knows the roles of your desk; a
    word is due where money is at stake."""
    roles = interlock.rules(environment).releasers
    if not roles:
        return warning("the interlock has no rules: every order that asks is blocked", "precog config apply")
    if "public" in roles and environment is Environment.PROD:
        return warning(
            "everybody who can log in to the database may release the orders that an alert blocks",
            "name roles of your desk in interlock.releasers of trading.yaml, then precog config apply",
        )
    return ok(f"roles that may release the orders that an alert blocks: {_names(iter(sorted(roles)))}")


def waiting_here(environment: Environment) -> Iterator[Finding]:
    """The alerts of this machine that are in a file and not in PostgreSQL."""
    try:
        journal.require_writable(environment)
        waiting, refused = journal.waiting(environment), journal.refused_file(environment)
        if waiting:
            what = f"alerts that were raised on this machine and are not stored yet: {len(waiting)}"
            yield warning(what, "precog journal replay, once PostgreSQL answers")
        else:
            yield ok("no alert waits on this machine for PostgreSQL")
        if refused.exists():
            what = f"alerts that PostgreSQL will never take lie in {refused}"
            yield warning(what, f"raise anew by hand what matters, then rm {refused}")
    except (JournalError, OSError) as error:
        yield problem(
            str(error), "make it writable for the account that runs the program; precog journal show tries it"
        )
