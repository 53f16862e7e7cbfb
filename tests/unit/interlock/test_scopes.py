"""What an order names, and what is said when it is blocked."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.domain.interlock import Block, Scope, ScopeKind, Verdict
from precog.errors import AlertTypeError, AlertValueError

pytestmark = pytest.mark.unit

names = st.text(min_size=1, max_size=200).filter(lambda name: name.strip(" \t\n\r\f\v"))


@given(st.sampled_from([Scope.platform, Scope.market, Scope.strategy]), names)
def test_a_scope_written_down_is_read_back(make: type[Scope], name: str) -> None:
    scope = make(name)  # type: ignore[arg-type]
    assert Scope.parse(str(scope)) == scope


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("all", Scope.all()),
        (" ALL ", Scope.all()),
        ("platform:Kalshi", Scope.platform("kalshi")),
        ("market: KXNFL-26:KC", Scope.market("kxnfl-26:kc")),
        ("strategy:7", Scope.strategy(7)),
    ],
)
def test_a_scope_is_parsed_as_people_write_it(text: str, scope: Scope) -> None:
    assert Scope.parse(text) == scope


@pytest.mark.parametrize(
    "text", ["", ":", "kalshi", "venue:x", "platform", "platform:", "platform: ", "all:x", "market:" + "x" * 201]
)
def test_what_is_no_scope_is_said_with_what_is_one(text: str) -> None:
    with pytest.raises(AlertValueError, match="scope"):
        Scope.parse(text)


def test_a_scope_is_text() -> None:
    with pytest.raises(AlertTypeError):
        Scope.parse(b"all")  # type: ignore[arg-type]
    with pytest.raises(AlertValueError):
        Scope(ScopeKind.ALL, "x")


def _block(alert_id: int, incident_id: int, hour: int) -> Block:
    return Block(
        scope=Scope.platform("kalshi"),
        alert_id=alert_id,
        incident_id=incident_id,
        alert_type="rapid_loss",
        component="risk",
        message="lost",
        since=datetime(2026, 11, 27, hour, tzinfo=UTC),
        acknowledged_by=None,
        resolved_by=None,
    )


def test_a_verdict_is_true_where_orders_are_blocked() -> None:
    asked = (Scope.platform("kalshi"),)
    assert not Verdict(asked=asked)
    assert Verdict(asked=asked, unknown="PostgreSQL is away")
    blocked = Verdict(asked=asked, blocks=(_block(3, 3, 9), _block(5, 3, 8)))
    assert blocked
    assert blocked.since == datetime(2026, 11, 27, 8, tzinfo=UTC)
    assert str(blocked).startswith(
        "platform:kalshi: blocked: alert 3 rapid_loss blocks platform:kalshi since 2026-11-27"
    )


def test_one_command_releases_an_incident_by_the_last_of_its_alerts() -> None:
    verdict = Verdict(asked=(Scope.all(),), blocks=(_block(3, 3, 9), _block(5, 3, 9), _block(4, 4, 9)))
    assert verdict.release_commands == (
        "precog interlock release 5 --reason TEXT",
        "precog interlock release 4 --reason TEXT",
    )
