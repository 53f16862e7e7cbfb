"""Whether everything happened as it should: the database's word against what the receivers really took."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from precog.demo.outside import Mark, mark_of
from precog.demo.story import Shows
from precog.demo.watch import Outcome
from precog.domain.alerts import Severity
from precog.domain.deliveries import AttemptOutcome, DeliveryStatus
from precog.domain.records import DeliveryRecord
from precog.domain.routes import Route


def faults(
    outcomes: Sequence[Outcome],
    *,
    received: Mapping[Mark, int],
    asked_for: Collection[Mark],
    routes: frozenset[Route],
    worker_killed: bool = False,
) -> list[str]:
    """Everything that is not as it should be, a sentence each; empty when all is well.

    `asked_for`: the messages that some delivery accounts for.
    """
    found = [fault for outcome in outcomes for fault in _faults_of(outcome, received, routes)]
    strangers = [channel for channel, mark in received if (channel, mark) not in asked_for]
    found += [f"something came over {channel} that no delivery accounts for" for channel in strangers]
    if worker_killed and not any(each["error_code"] == "lease_expired" for one in outcomes for each in one.attempts):
        found.append("no send was interrupted: the worker was killed before or after one")
    return found


def _faults_of(outcome: Outcome, received: Mapping[Mark, int], routes: frozenset[Route]) -> Iterator[str]:
    alert = f"alert {outcome.alert['alert_id']} ({outcome.scene.alert_type})"
    planned = {(each["channel"], each["recipient"]) for each in outcome.deliveries}
    if planned != _wanted(outcome, routes):
        yield f"{alert} has deliveries {_pairs(planned)} where {_pairs(_wanted(outcome, routes))} were expected"
    if outcome.alert["suppressed"] is not (outcome.scene.shows is Shows.DUPLICATE):
        yield f"{alert} {'was' if outcome.alert['suppressed'] else 'was not'} taken for a duplicate"
    if outcome.scene.shows is Shows.RETRIED and not _was_retried(outcome):
        yield f"{alert}: its webhook was to be refused first and tried again, and was not"
    for delivery in outcome.deliveries:
        place = f"{alert} over {delivery['channel']} to {delivery['recipient']}"
        yield from (f"{place}: {fault}" for fault in _faults_of_delivery(outcome, delivery, received))


def _wanted(outcome: Outcome, routes: frozenset[Route]) -> set[tuple[str, str]]:
    if outcome.scene.shows is Shows.DUPLICATE:
        return set()
    severity = Severity(outcome.scene.severity)
    return {(route.channel, route.recipient) for route in routes if route.severity is severity}


def _pairs(pairs: set[tuple[str, str]]) -> str:
    return ", ".join(sorted(f"{channel} {recipient}" for channel, recipient in pairs)) or "none"


def _was_retried(outcome: Outcome) -> bool:
    tries = [each["outcome"] for each in outcome.attempts if each["channel"] == "webhook"]
    return tries[:1] == [AttemptOutcome.TRANSIENT] and AttemptOutcome.ACCEPTED in tries


def _faults_of_delivery(outcome: Outcome, delivery: DeliveryRecord, received: Mapping[Mark, int]) -> Iterator[str]:
    count = received.get(mark_of(outcome.alert, delivery), 0)
    if outcome.is_expected_to_wait(delivery):
        if (delivery["status"], delivery["error_code"]) != (DeliveryStatus.HELD, "over_limit"):
            yield f"is {standing(delivery)}, where the limit was to hold it"
        if count:
            yield "its receiver got it all the same"
        return
    if delivery["status"] != DeliveryStatus.SENT:
        yield f"is {standing(delivery)}"
    # At least once: a try whose end nobody knows may have arrived, and so may the one after it.
    doubtful = sum(each["outcome"] in {None, AttemptOutcome.UNKNOWN} for each in outcome.attempts_of(delivery))
    if delivery["status"] == DeliveryStatus.SENT and not 1 <= count <= 1 + doubtful:
        yield f"the database says sent, its receiver got it {count} times"


def standing(delivery: DeliveryRecord) -> str:
    """Where a delivery stands, with the last reason."""
    tries = f"{delivery['attempts']} {'try' if delivery['attempts'] == 1 else 'tries'}"
    return f"{delivery['status']} after {tries}" + (f": {delivery['last_error']}" if delivery["last_error"] else "")
