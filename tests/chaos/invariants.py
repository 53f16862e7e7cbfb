"""What must hold whatever was done to the system. Each takes the facts and gives one finding; none of them waits."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.facts import Attempt, Call, Delivery, Facts
from tests.chaos.rig import TIMING

HOUR, DAY = 3600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table."""

    invariant: str
    figure: str
    holds: bool | None
    """None where it could not be tried here; the figure says why."""
    examples: tuple[str, ...] = ()
    """Of what broke it."""


def _none_of(invariant: str, wrong: Iterable[object], of: str) -> Finding:
    """Holds when there is nothing wrong."""
    found = [str(each) for each in wrong]
    return Finding(invariant=invariant, figure=f"{len(found)} of {of}", holds=not found, examples=tuple(found[:5]))


def stored(facts: Facts) -> Finding:
    """Every id that a call returned is stored under that id, and every alert whose call said the journal has it."""
    by_id = {alert.alert_id: alert for alert in facts.alerts}
    uuids = {alert.alert_uuid for alert in facts.alerts}
    wrong = [
        call
        for call in facts.calls
        if (
            call.alert_id is not None
            and (call.alert_id not in by_id or by_id[call.alert_id].component != call.component)
        )
        or (call.journaled and call.alert_uuid not in uuids)
    ]
    return _none_of("stored", wrong, f"{len(facts.calls):,} calls missing")


def once(facts: Facts) -> Finding:
    """No call is stored twice, however often it was repeated under way."""
    rows = Counter(alert.component for alert in facts.alerts)
    calls = Counter(call.component for call in facts.calls)
    wrong = [f"{name}: {count} rows" for name, count in rows.items() if name in calls and count > calls[name]]
    return _none_of("once", wrong, f"{len(facts.alerts):,} alerts stored twice")


def lost(facts: Facts) -> Finding:
    """Every delivery has come to its end, or waits for an SMS limit to free; every alert is decided about."""
    unended = [each for each in facts.deliveries if not _ended(each)]
    undecided = [each for each in facts.alerts if not each.planned]
    silent = {each.alert_id for each in facts.deliveries}
    untold = [each for each in facts.alerts if each.notify and each.alert_id not in silent]
    return _none_of("lost", [*unended, *undecided, *untold], f"{len(facts.deliveries):,} deliveries lost")


def _ended(delivery: Delivery) -> bool:
    return delivery.status in {"sent", "failed", "cancelled"} or (
        delivery.status == "held" and (delivery.error_code == "over_limit" or delivery.folded_into is not None)
    )


def honest(facts: Facts) -> Finding:
    """What is called sent was accepted by the receiver, on its last try; what is not sent has a reason."""
    wrong = [each for each in facts.deliveries if not _true(facts, each)]
    return _none_of("honest", wrong, f"{len(facts.deliveries):,} deliveries untrue")


def _true(facts: Facts, delivery: Delivery) -> bool:
    if delivery.channel in {"console", "file"}:
        return True
    if delivery.status != "sent":
        return delivery.status == "cancelled" or delivery.error_code is not None
    if delivery.folded_into is not None:
        return facts.receipts.get(("sms", delivery.folded_into[:6]), 0) > 0
    last = facts.tries[delivery.delivery_id][-1]
    return facts.receipts.get(delivery.identity, 0) > 0 and last.outcome == "accepted"


def explained(facts: Facts) -> Finding:
    """Whoever got a message more than once: as many tries say that they may have sent it."""
    wrong = [
        f"{each} was accepted {times} times"
        for each in facts.deliveries
        if (times := facts.receipts.get(each.identity, 0))
        > sum(one.may_have_sent for one in facts.tries.get(each.delivery_id, []))
    ]
    return _none_of("explained", wrong, f"{facts.duplicates} duplicates without a try of their own")


def bounded(facts: Facts, *, most: int) -> Finding:
    """There are no more duplicates than the faults can have caused."""
    return Finding(
        invariant="bounded",
        figure=f"{facts.duplicates} duplicates, at most {most}",
        holds=facts.duplicates <= most,
        examples=tuple(f"{key} came {count} times" for key, count in facts.receipts.items() if count > 1)[:5],
    )


def leased(facts: Facts, *, seconds: float) -> Finding:
    """No try is taken over before its lease is over.

    One that is followed by another was taken over too, although it was known later that it had been accepted.
    """
    taken = [each for each in facts.attempts if each.error_code == "lease_expired"]
    taken += [one for tries in facts.tries.values() for one, _ in pairwise(tries) if one.outcome == "accepted"]
    return _none_of("leased", [one for one in taken if _lasted(one) < seconds], f"{len(taken)} takeovers too soon")


def _lasted(attempt: Attempt) -> float:
    return (attempt.finished_at - attempt.started_at).total_seconds() if attempt.finished_at else 0.0


def one_at_a_time(facts: Facts) -> Finding:
    """No delivery is tried again before its last try has ended or was taken over."""
    wrong = [
        f"{earlier} overlaps {later}"
        for tries in facts.tries.values()
        for earlier, later in pairwise(tries)
        if earlier.finished_at is None or earlier.finished_at > later.started_at
    ]
    return _none_of("one at a time", wrong, f"{len(facts.attempts):,} tries overlap")


def sms(facts: Facts, *, per_hour: int = 5, per_day: int = 20) -> Finding:
    """By the receiver's own clock, in no sliding window more than the limits say."""
    times = sorted(each.at for each in facts.acceptances if each.channel == "sms")
    hour, day = most_within(times, HOUR), most_within(times, DAY)
    return Finding(
        invariant="sms",
        figure=f"{hour} in an hour, {day} in a day, of {len(times)}",
        holds=hour <= per_hour and day <= per_day,
    )


def most_within(times: Sequence[float], window: float) -> int:
    """The most of these ascending times that any window of that length holds."""
    most = first = 0
    for index, moment in enumerate(times):
        while times[first] <= moment - window:
            first += 1
        most = max(most, index - first + 1)
    return most


def clear(facts: Facts) -> Finding:
    """Every error that a caller saw is one of ours and says what became of the alert."""
    errors = [call for call in facts.calls if call.error is not None]
    wrong = [call for call in errors if not call.ours or "; " not in call.says]
    return _none_of("clear", wrong, f"{len(errors)} errors unclear")


def quick(calls: Sequence[Call], *, seconds: float, machine: float, invariant: str = "quick") -> Finding:
    """99 of 100 calls took less. `machine`: seconds that this machine itself made programs wait meanwhile."""
    taken = sorted(call.seconds for call in calls)
    if not taken:
        return Finding(invariant=invariant, figure="no call was made", holds=False)
    p99 = taken[min(len(taken) - 1, int(len(taken) * 0.99))]
    allowed = seconds + machine
    figure = f"p50 {taken[len(taken) // 2] * 1000:.1f} ms, p99 {p99 * 1000:.0f} ms, longest {taken[-1] * 1000:.0f} ms"
    return Finding(invariant=invariant, figure=f"{figure}; p99 allowed {allowed * 1000:.0f} ms", holds=p99 <= allowed)


def always(facts: Facts) -> list[Finding]:
    """What holds in every test, whatever it does."""
    return [
        stored(facts),
        once(facts),
        lost(facts),
        honest(facts),
        explained(facts),
        leased(facts, seconds=TIMING["lease_seconds"]),
        one_at_a_time(facts),
        sms(facts),
    ]
