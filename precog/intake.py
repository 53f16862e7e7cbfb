"""From a checked alert to a stored one with its deliveries rung: what every way into Precog goes through."""

import logging
import math
import os
from collections.abc import Sequence
from functools import cache

import psycopg2.extensions
from celery.exceptions import SoftTimeLimitExceeded

from precog import journal, queue
from precog.domain.alerts import Environment, NewAlert, Severity
from precog.domain.deliveries import Doorbell
from precog.domain.fingerprint import canonical_json
from precog.domain.redact import short_reason
from precog.errors import AlertStoreUnavailable, IdempotencyConflict, StoreBusy, StoreError
from precog.group_commit import GroupCommit, NoAnswer
from precog.json_lines import masked
from precog.store import calls, deliveries
from precog.store import direct as direct_tries
from precog.store.pool import default_pool

log = logging.getLogger("precog.intake")

CATCH_UP, CATCH_UP_SECONDS = 20, 0.1
"""How many alerts of the journal a call stores besides its own, and for how long: to empty it soon and not be felt."""


def accept(alert: NewAlert, *, idempotency_key: str | None = None) -> calls.Logged:
    """Store the alert and ring for its deliveries. Durable when it returns.

    Raises IdempotencyConflict, AlertStoreUnavailable and the other StoreErrors. Whatever kept PostgreSQL from taking
    the alert, a missing migration too, it is in the journal then, and the error says so in `journaled`. A critical or
    high one is sent directly where this process can, and `sent` says over which channels.
    """
    try:
        with default_pool().patience.tried():
            logged = _log_with_others(alert)
    except StoreError as error:
        journaled = _journaled(alert)
        error.of_alert(str(alert.alert_uuid), journaled=journaled, sent=_sent_directly(alert, error, journaled))
        raise
    _check(alert, logged, idempotency_key)
    _catch_up(alert.environment)
    return logged


def _log_with_others(alert: NewAlert) -> calls.Logged:
    try:
        return _group_commit_of(os.getpid()).do(alert, within=calls.LOG_SECONDS)
    except NoAnswer as error:
        raise AlertStoreUnavailable(str(error)) from error


@cache
def _group_commit_of(_pid: int) -> GroupCommit[NewAlert, calls.Logged]:
    """One a process: what its parent's threads were at, at the fork, nobody ends in a child."""
    return GroupCommit(_log, _ring, interrupts=(SoftTimeLimitExceeded,))


def _log(some: Sequence[NewAlert], within: float) -> list[calls.Logged]:
    return calls.log(some, ring=queue.may_ring(), within=within)


def replay_journal(environment: Environment, *, most: int | None = None, seconds: float = math.inf) -> journal.Report:
    """Store what the journal of this machine holds, each alert once, and ring. Raises JournalError."""
    return journal.replay(environment, _store_kept, most=most, seconds=seconds)


def _store_kept(kept: journal.Kept) -> None:
    if kept.alert is None:
        if not direct_tries.write(kept.tries):
            raise journal.Refused
        return
    ring = queue.may_ring()
    if kept.tries:
        logged = direct_tries.log(kept.alert, kept.tries, ring=ring)
    else:
        [logged] = calls.log([kept.alert], ring=ring)
    _ring([kept.alert], [logged])
    _check(kept.alert, logged, "of the journal")


def _check(alert: NewAlert, logged: calls.Logged, idempotency_key: str | None) -> None:
    _check_repeat(alert, logged, idempotency_key)
    if not logged.planned:
        log.warning(
            "the alert is stored, but this environment has no routes and nobody is told; run `precog config apply`",
            extra={"alert_id": logged.alert_id, "environment": alert.environment},
        )


def _journaled(alert: NewAlert) -> bool:
    """Whether the journal has it. Its own trouble must not hide the store's."""
    try:
        journal.keep(alert)
    except Exception as error:  # noqa: BLE001 - the caller is told in any case, and hears of the store
        _say_lost(alert, error)
        return False
    log.warning("PostgreSQL did not take an alert; the journal has it", extra={"alert_uuid": str(alert.alert_uuid)})
    return True


def _sent_directly(alert: NewAlert, error: StoreError, journaled: bool) -> tuple[str, ...]:  # noqa: FBT001
    """The channels that took it. Where only the connections are all in use, the journal is emptied in a moment."""
    if not alert.notify or alert.severity not in {Severity.CRITICAL, Severity.HIGH} or isinstance(error, StoreBusy):
        return ()
    try:
        from precog import direct  # the channels are loaded by whom they belong to, and here in need only

        return direct.send(alert, journaled=journaled)
    except Exception as trouble:  # noqa: BLE001 - the caller is told in any case, and hears of the store
        log.error(
            "an alert could not be sent directly", extra={"error": short_reason(f"{type(trouble).__name__}: {trouble}")}
        )
        return ()


def _say_lost(alert: NewAlert, error: Exception) -> None:
    """The last resort: with its facts, since they are nowhere else."""
    facts = {
        "severity": alert.severity,
        "alert_type": alert.alert_type,
        "component": alert.component,
        "text": alert.message,
        "details": alert.details,
        "error": error,
    }
    log.critical("an alert could be neither stored nor journaled: %s", canonical_json(masked(facts)))


def _catch_up(environment: Environment) -> None:
    """PostgreSQL is there: give it a few of the alerts that wait, and the next call a few more."""
    try:
        if not journal.worth_a_look(environment):
            return
        if replay_journal(environment, most=CATCH_UP, seconds=CATCH_UP_SECONDS).left:
            journal.look_again(environment)
    except Exception as error:  # noqa: BLE001 - the caller's own alert is stored
        log.error("the journal cannot be replayed", extra={"error": str(error)})


def accept_in(
    connection: psycopg2.extensions.connection, alert: NewAlert, *, idempotency_key: str | None = None
) -> calls.Logged:
    """Store the alert in the caller's transaction; recovery plans once they commit. psycopg2's errors pass."""
    logged = calls.join(connection, alert)
    _check_repeat(alert, logged, idempotency_key)
    return logged


def _ring(some: Sequence[NewAlert], logged: Sequence[calls.Logged]) -> None:
    """For what is due of these. Where that fails the stamp of the ring is taken back: recovery then need not wait."""
    by_environment: dict[Environment, list[Doorbell]] = {}
    for alert, one in zip(some, logged, strict=True):
        by_environment.setdefault(alert.environment, []).extend(one.doorbells)
    for environment, doorbells in by_environment.items():
        if doorbells and not queue.ring(doorbells, environment):
            _unring(doorbells)


def _unring(doorbells: Sequence[Doorbell]) -> None:
    try:
        deliveries.unring(doorbells)
    except Exception:  # the alerts are committed: nothing may fail their calls any more
        log.warning("a failed ring is not written down; recovery rings half a minute later", exc_info=True)


def _check_repeat(alert: NewAlert, logged: calls.Logged, idempotency_key: str | None) -> None:
    if idempotency_key is not None and logged.stored_before_as not in {None, alert.request_hash}:
        raise IdempotencyConflict(idempotency_key, logged.alert_id)
