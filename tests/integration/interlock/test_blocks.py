"""Which alerts block which orders."""

from collections.abc import Callable

import psycopg2.extensions
import pytest

import precog
from precog.errors import AlertTypeError, AlertValueError, OrdersBlocked
from precog.interlock import Scope, guard, is_blocked
from precog.store.queries import numbered, sql
from tests.integration.interlock.questions import certainly, known

pytestmark = pytest.mark.integration

Raise = Callable[..., int]


def test_nothing_is_blocked_while_nothing_happened(rules: None) -> None:
    verdict = known("platform:kalshi", "market:KXNFL", Scope.strategy(7))
    assert not verdict
    assert (verdict.blocked, verdict.blocks, verdict.unknown, verdict.since) == (False, (), None, None)


def test_a_critical_alert_blocks_what_its_details_name(loss: Raise) -> None:
    alert_id = loss(250, "kalshi")
    verdict = known("platform:kalshi")
    assert verdict
    [block] = verdict.blocks
    assert (block.alert_id, block.alert_type, str(block.scope)) == (alert_id, "rapid_loss", "platform:kalshi")
    assert verdict.since == block.since
    assert not known("platform:polymarket")


def test_an_order_is_blocked_when_any_of_its_scopes_is(loss: Raise) -> None:
    loss(250, "kalshi")
    assert not known("market:kc", "strategy:7")
    assert known("market:kc", "strategy:7", "platform:kalshi")


def test_a_block_of_all_blocks_every_order(rules: None) -> None:
    precog.log_alert("daily_loss_limit", "critical", "risk", "stop", {"loss": 512, "platform_id": "kalshi"})
    assert known("platform:polymarket")
    assert known("strategy:9")


def test_an_order_that_touches_all_is_blocked_by_every_block(loss: Raise) -> None:
    assert not known(Scope.all())
    loss(250, "kalshi")
    assert known("all")


@pytest.mark.parametrize(
    "details", [{}, {"platform_id": None}, {"platform_id": "  "}, {"platform_id": ["a"]}, {"platform_id": "x" * 201}]
)
def test_an_alert_that_does_not_name_its_scope_blocks_all(rules: None, details: dict[str, object]) -> None:
    precog.log_alert("rapid_loss", "critical", "risk", "lost", details)
    assert known("platform:elsewhere")


@pytest.mark.parametrize(
    ("raised", "asked"),
    [
        ("Kalshi", "platform:kalshi"),
        (" kalshi\n", "PLATFORM: KALSHI "),
        ("ÄRGER", "platform:Ärger"),
        (7, "platform:7"),
        (7.0, "platform:7"),
        ("a:b", "platform:a:b"),
    ],
)
def test_a_name_is_the_same_however_it_is_spelt(loss: Raise, raised: object, asked: str) -> None:
    loss(250, raised)
    assert known(asked).blocks
    assert not known("platform:other")


@pytest.mark.parametrize(("kind", "severity"), [("rapid_loss", "high"), ("gain_alert", "critical")])
def test_a_lower_severity_or_another_type_blocks_nothing(rules: None, kind: str, severity: str) -> None:
    precog.log_alert(kind, severity, "risk", "hm", {"platform_id": "kalshi"})
    assert not known(Scope.all())


def test_another_environment_is_another_world(loss: Raise) -> None:
    loss(250, "kalshi")
    verdict = is_blocked("platform:kalshi", environment="prod")
    assert (verdict.blocked, verdict.blocks) == (True, ()), "prod has no rules, and is blocked for that alone"


def test_a_duplicate_adds_nothing_to_the_block_of_its_anchor(loss: Raise) -> None:
    first = loss(250)
    loss(250)
    loss(210)
    assert [each.alert_id for each in known("platform:kalshi").blocks] == [first]


def test_a_duplicate_that_names_another_scope_blocks_that_one_too(only: Callable[..., None], rules: None) -> None:
    only(rapid_loss=("strategy", "strategy_id"))
    precog.log_alert("rapid_loss", "critical", "risk", "lost", {"loss": 250, "platform_id": "k", "strategy_id": 1})
    again = precog.log_alert(
        "rapid_loss", "critical", "risk", "lost", {"loss": 250, "platform_id": "k", "strategy_id": 2}
    )
    assert precog.get_unresolved_alerts()[0]["duplicates"] == 1
    assert known("strategy:1")
    assert [each.alert_id for each in known("strategy:2").blocks] == [again]


def test_an_alert_that_tells_nobody_blocks_all_the_same(loss: Raise) -> None:
    loss(250, send_notification=False)
    assert known("platform:kalshi")


def test_new_rules_hold_for_what_is_open_and_free_nothing(loss: Raise, only: Callable[..., None]) -> None:
    precog.log_alert("gain_alert", "critical", "risk", "odd", {"market_id": "kc"})
    loss(250, "kalshi")
    assert not known("market:kc")
    only(gain_alert=("market", "market_id"))
    assert known("market:kc")
    assert known("platform:kalshi"), "its type blocks no longer, but this one was not released"


def test_the_guard_lets_an_order_through_or_raises_before_it(loss: Raise) -> None:
    placed = []

    @guard("platform:kalshi")
    def place(order: str) -> str:
        placed.append(order)
        return order

    def place_by_hand(order: str) -> None:
        with guard("market:kc", "platform:kalshi") as verdict:
            assert not verdict
            placed.append(order)

    assert certainly(lambda: place("one")) == "one"
    certainly(lambda: place_by_hand("two"))
    alert_id = loss(250, "kalshi")
    with pytest.raises(OrdersBlocked) as refusal:
        certainly(lambda: place("three"))
    with pytest.raises(OrdersBlocked):
        place_by_hand("four")
    assert placed == ["one", "two"]
    assert refusal.value.alert_ids == (alert_id,)
    assert refusal.value.scopes == ("platform:kalshi",)
    for words in (f"alert {alert_id} rapid_loss", "platform:kalshi", f"precog interlock release {alert_id} --reason"):
        assert words in str(refusal.value)


def test_an_error_of_the_order_itself_passes_through_the_guard(rules: None) -> None:
    @guard("platform:kalshi")
    def place() -> float:
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        certainly(place)


@pytest.mark.parametrize("scope", ["venue:kalshi", "platform", "platform:", "all:kalshi", "", "platfrom:kalshi"])
def test_a_scope_that_does_not_exist_is_a_mistake_and_no_answer(rules: None, scope: str) -> None:
    with pytest.raises(AlertValueError, match="scope"):
        is_blocked(scope)


def test_an_order_names_its_scopes(rules: None) -> None:
    with pytest.raises(AlertValueError, match="every scope"):
        is_blocked()
    with pytest.raises(AlertTypeError):
        is_blocked(7)  # type: ignore[arg-type]
    with pytest.raises(AlertValueError):
        guard()


def test_what_runs_later_than_it_is_called_cannot_be_decorated(rules: None) -> None:
    with pytest.raises(TypeError, match="inside it"):

        @guard("platform:kalshi")
        async def place() -> None: ...


def test_the_question_looks_into_what_stands_however_long_history_is(
    rules: None, db_cursor: psycopg2.extensions.cursor
) -> None:
    db_cursor.execute(
        "INSERT INTO alerts (alert_uuid, alert_type, severity, component, message, details, fingerprint,"
        " incident_id, environment, request_hash, planned)"
        " SELECT gen_random_uuid(), 'rapid_loss', 'critical', 'risk', 'old', '{\"platform_id\": \"kalshi\"}', md5('x'),"
        " n, 'demo', repeat('0', 64), true FROM generate_series(1, 3000) AS n;"
        "INSERT INTO interlock_releases (block_id, actor, reason) SELECT block_id, 'ann', 'seen' FROM interlock_blocks;"
        "ANALYZE"
    )
    text, _ = numbered(sql("interlock.standing"))
    db_cursor.execute(f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {text}")
    db_cursor.execute("EXPLAIN EXECUTE asked('demo', '{all,platform:kalshi}', 20)")
    plan = "\n".join(line for (line,) in db_cursor.fetchall())
    assert "interlock_blocks_standing_idx" in plan
    assert not known("platform:kalshi")
