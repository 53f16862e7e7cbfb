"""A duplicate whose number reaches the next step is told again, acknowledged or not, and says from what to what."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import accumulate, count, pairwise
from uuid import UUID

import psycopg2.extensions
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import precog
from precog.domain.alerts import Environment, Severity
from precog.domain.bands import Figure, steps_reached
from precog.domain.deliveries import Message
from precog.domain.routes import Route
from precog.settings.load import load_rules
from precog.store import alerts, attempts, channels, deliveries
from precog.store.attempts import ClaimTerms

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
Lose = Callable[..., int]
DEMO = Environment.DEMO
STEPS = (200, 400, 800, 1600)
"""Those that ship for rapid_loss."""
_components = count()

losses = st.integers(min_value=0, max_value=2000)
on_real_servers = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)


@pytest.fixture
def lose(precog_env: pytest.MonkeyPatch) -> Lose:
    """`lose(212.5)`: a rapid loss, told by mail and SMS; its alert_id."""
    channels.write_routes(
        DEMO,
        [
            Route(environment=DEMO, severity=severity, channel=channel, recipient=recipient)
            for severity in (Severity.CRITICAL, Severity.HIGH)
            for channel, recipient in (("email", "ann@example.com"), ("sms", "+15005550009"))
        ],
    )

    def log(loss: object, severity: str = "critical", component: str = "risk") -> int:
        details = {"loss": loss, "platform_id": "kalshi"}
        return precog.log_alert("rapid_loss", severity, component, f"lost {loss}", details)

    return log


def _told(alert_id: int) -> bool:
    return alerts.get(alert_id, DEMO)["notify"]


def _message(alert_id: int) -> Message:
    """What the mail of an alert is made of."""
    terms = ClaimTerms(
        environment=DEMO, worker="test", lease_seconds=90, max_ages=(1e6, 1e6, 1e6, 1e6), bands=load_rules().bands
    )
    [mail] = [each for each in deliveries.of_alert(alert_id) if each["channel"] == "email"]
    claim = attempts.claim(UUID(mail["delivery_id"]), "email", terms)
    assert claim is not None
    return claim.message


def test_within_its_step_a_number_only_counts(lose: Lose) -> None:
    first = lose(212.5)
    assert [_told(lose(loss)) for loss in (399.99, 250, "399.99")] == [False, False, False]
    assert alerts.get(first, DEMO)["duplicates"] == 3


def test_the_next_step_is_told_with_what_was_told_before(lose: Lose) -> None:
    first = lose(Decimal("212.50"))
    lose(Decimal("390.00"))
    worse = _message(lose(Decimal("412.50"))).worse
    assert worse is not None
    assert worse.than_alert_id == first
    assert worse.figure is not None
    assert worse.figure == Figure(field="loss", before="212.50", now="412.50", step=Decimal(400))


def test_what_is_told_for_the_first_time_or_again_after_its_window_is_not_called_worse(
    lose: Lose, db_cursor: Cursor
) -> None:
    assert _message(lose(250)).worse is None
    db_cursor.execute(
        "UPDATE alert_deliveries"
        " SET status = 'failed', error_code = 'x', finished_at = now(), lease_until = NULL, leased_by = NULL"
    )
    again = lose(260)
    assert _told(again)
    assert _message(again).worse is None


def test_a_new_incident_is_not_worse_than_the_one_that_is_over(lose: Lose) -> None:
    precog.resolve_alert(lose(250), "ann", "fixed")
    assert _message(lose(900)).worse is None


def test_a_higher_severity_is_worse_without_a_figure(lose: Lose) -> None:
    lose(250, "high")
    worse = _message(lose(250, "critical")).worse
    assert worse is not None
    assert (worse.severity_before, worse.figure) == (Severity.HIGH, None)


def test_an_acknowledged_incident_is_told_again_when_it_gets_worse_and_only_then(lose: Lose) -> None:
    first = lose(250)
    precog.acknowledge_alert(first, "ann")
    assert not _told(lose(300))
    worse = lose(450)
    assert _told(worse)
    assert alerts.get(worse, DEMO)["acknowledged_at"] is None
    assert {each["status"] for each in deliveries.of_alert(worse)} == {"pending"}
    assert [each["alert_id"] for each in alerts.unacknowledged(DEMO)] == [worse]


def test_a_worsening_goes_out_though_what_was_held_before_it_was_cancelled(lose: Lose, db_cursor: Cursor) -> None:
    first = lose(250)
    db_cursor.execute("UPDATE alert_deliveries SET status = 'held', error_code = 'over_limit' WHERE channel = 'sms'")
    precog.acknowledge_alert(first, "ann")
    assert {each["channel"]: each["status"] for each in deliveries.of_alert(first)}["sms"] == "cancelled"
    assert not _told(lose(300))
    worse = lose(450)
    assert {each["channel"]: each["status"] for each in deliveries.of_alert(worse)}["sms"] == "pending"


def test_acknowledging_once_more_takes_the_worsening_on(lose: Lose) -> None:
    first = lose(250)
    precog.acknowledge_alert(first, "ann")
    worse = lose(450)
    precog.acknowledge_alert(worse, "bob")
    assert alerts.get(worse, DEMO)["acknowledged_by"] == "bob"
    assert alerts.get(first, DEMO)["acknowledged_by"] == "ann"


def _times_told(series: Sequence[int]) -> int:
    """Once, and once more each time the running maximum reaches a step that it had not reached."""
    highest = [steps_reached(each, [Decimal(step) for step in STEPS]) for each in accumulate(series, max)]
    return 1 + sum(later > earlier for earlier, later in pairwise(highest))


@on_real_servers
@given(series=st.lists(losses, min_size=1, max_size=12))
def test_any_series_of_numbers_is_told_once_and_once_for_each_new_step(lose: Lose, series: list[int]) -> None:
    component = f"series {next(_components)}"
    told = [_told(lose(loss, component=component)) for loss in series]
    assert sum(told) == _times_told(series)


@on_real_servers
@given(series=st.lists(losses, min_size=4, max_size=24))
def test_so_is_a_series_that_many_threads_bring(lose: Lose, series: list[int]) -> None:
    """In whatever order they come to be stored, which the ids tell: each is drawn under the lock."""
    component, together = f"threads {next(_components)}", threading.Barrier(4)

    def bring(part: list[int]) -> dict[int, int]:
        together.wait(timeout=30)
        return {lose(loss, component=component): loss for loss in part}

    with ThreadPoolExecutor(4) as threads:
        parts = threads.map(bring, [series[start::4] for start in range(4)])
        stored = {alert_id: loss for part in parts for alert_id, loss in part.items()}
    in_order = [stored[alert_id] for alert_id in sorted(stored)]
    assert sum(_told(alert_id) for alert_id in stored) == _times_told(in_order)
