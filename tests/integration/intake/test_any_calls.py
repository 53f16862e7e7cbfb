"""Whatever calls come together, and whatever they say: decided as if one came after the other, stored as they were."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

import psycopg2.extensions
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import precog
from precog import arguments
from precog.domain.alerts import Environment, NewAlert, Severity
from precog.domain.fingerprint import calculate_fingerprint
from precog.domain.routes import Route
from precog.store import calls, channels

pytestmark = pytest.mark.integration

Cursor = psycopg2.extensions.cursor
on_real_servers = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
_histories = count()


@pytest.fixture(autouse=True)
def _routes(precog_env: pytest.MonkeyPatch) -> None:
    """None for a medium or low one."""
    for environment in Environment:
        routes = [
            Route(environment=environment, severity=severity, channel=channel, recipient=channel)
            for severity, channel in ((Severity.CRITICAL, "email"), (Severity.CRITICAL, "sms"), (Severity.HIGH, "sms"))
        ]
        channels.write_routes(environment, routes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A call, about one of few troubles; `again` repeats one of those before it, under its uuid."""

    trouble: int
    severity: Severity
    loss: int
    environment: Environment
    notify: bool
    window_minutes: int
    """With 0 nothing before it makes it a duplicate."""
    again: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What befalls the last alert that somebody was told of for a trouble, between two groups."""

    trouble: int
    what: str


said = st.builds(
    Said,
    trouble=st.integers(0, 3),
    severity=st.sampled_from([Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM]),
    loss=st.sampled_from([0, 250, 450, 900]),
    environment=st.sampled_from([Environment.DEMO, Environment.DEMO, Environment.PROD]),
    notify=st.sampled_from([True, True, True, False]),
    window_minutes=st.sampled_from([60, 60, 60, 0]),
    again=st.none() | st.integers(0, 30),
)
done = st.builds(Done, trouble=st.integers(0, 3), what=st.sampled_from(["resolved", "acknowledged", "failed"]))
histories = st.lists(st.lists(said, min_size=1, max_size=12) | done, min_size=1, max_size=5)


class _History:
    """The same calls and events, under fingerprints and uuids of its own."""

    def __init__(self, name: str, cursor: Cursor) -> None:
        self._name, self._cursor = name, cursor
        self.made: list[NewAlert] = []
        self.logged: list[calls.Logged] = []

    def new(self, some: list[Said]) -> list[NewAlert]:
        first = len(self.made)
        for one in some:
            self.made.append(self._new(one))
        return self.made[first:]

    def _new(self, one: Said) -> NewAlert:
        if one.again is not None and self.made:
            return self.made[one.again % len(self.made)]
        alert = arguments.new_alert(
            alert_type="rapid_loss",
            severity=one.severity,
            component=self._name,
            message=f"lost {one.loss}",
            details={"loss": one.loss},
            notify=one.notify,
            environment=one.environment,
            key_details={"trouble": one.trouble},
        )
        return replace(alert, window_minutes=one.window_minutes)

    def befall(self, event: Done) -> None:
        self._cursor.execute(
            "SELECT max(alert_id) FROM alerts WHERE component = %s AND environment = 'demo' AND notify"
            " AND resolved_at IS NULL AND fingerprint = %s",
            (self._name, calculate_fingerprint("rapid_loss", self._name, {"trouble": event.trouble})),
        )
        [(alert_id,)] = self._cursor.fetchall()
        if alert_id is None:
            return
        match event.what:
            case "resolved":
                precog.resolve_alert(alert_id, "ann", "fixed")
            case "acknowledged":
                precog.acknowledge_alert(alert_id, "ann")
            case _:
                self._cursor.execute(
                    "UPDATE alert_deliveries SET status = 'failed', error_code = 'x', finished_at = now()"
                    " WHERE alert_id = %s AND status = 'pending'",
                    (alert_id,),
                )

    def told(self) -> list[object]:
        """What became of each call, in the words of the places of the calls."""
        place = {logged.alert_id: number for number, logged in reversed(list(enumerate(self.logged)))}
        return [self._become(logged, place) for logged in self.logged]

    def _become(self, logged: calls.Logged, place: Mapping[int, int]) -> object:
        self._cursor.execute(
            "SELECT incident_id, planned, notify, suppressed, duplicate_of, notification_channels, band, message,"
            " ARRAY(SELECT d.channel || ' ' || d.status FROM alert_deliveries AS d WHERE d.alert_id = a.alert_id"
            "       ORDER BY d.channel) FROM alerts AS a WHERE alert_id = %s",
            (logged.alert_id,),
        )
        [(incident, planned, notify, suppressed, duplicate_of, *rest)] = self._cursor.fetchall()
        assert (logged.planned, logged.duplicate_of) == (planned, duplicate_of)
        return place[logged.alert_id], place[incident], planned, notify, suppressed, place.get(duplicate_of), rest


@on_real_servers
@given(history=histories)
def test_calls_together_become_what_they_become_one_after_the_other(
    history: list[list[Said] | Done], db_cursor: Cursor
) -> None:
    number = next(_histories)
    together, alone = (_History(f"{name} {number}", db_cursor) for name in ("together", "alone"))
    for step in history:
        if isinstance(step, Done):
            together.befall(step)
            alone.befall(step)
        else:
            together.logged += calls.log(together.new(step), ring=True)
            alone.logged += [calls.log([each], ring=True)[0] for each in alone.new(step)]
    assert together.told() == alone.told()
    assert [_rung(each) for each in together.logged] == [_rung(each) for each in alone.logged]


def _rung(logged: calls.Logged) -> list[str]:
    return sorted(bell.channel for bell in logged.doorbells)
