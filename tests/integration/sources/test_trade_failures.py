"""A failed order: told of with its facts and without its secrets, and never the worse for it."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from precog import get_unresolved_alerts
from precog.sources import Order, placing, set_override, tells_of_failures
from precog.store.pool import close_default_pool

pytestmark = pytest.mark.integration

Run = Callable[..., list[tuple[Any, ...]]]
ORDER = Order(
    market_id="KC-WINS",
    platform_id="kalshi",
    side="buy",
    price=Decimal("0.62"),
    quantity=Decimal(150),
    position_id=12,
    facts={"api_key": "canary", "attempt": 2},
)


class Rejected(Exception):
    pass


@tells_of_failures
def _place(order: Order, *, failure: BaseException | None = None) -> str:
    """Sends it."""
    if failure is not None:
        raise failure
    return f"sent {order.market_id}"


def test_a_failed_order_is_told_of_with_its_facts_and_the_failure_goes_on(precog_env: object) -> None:
    failure = Rejected("HTTP 401 for token=canary, Authorization: Bearer canary-canary")

    with pytest.raises(Rejected) as passed, placing(ORDER):
        raise failure

    assert passed.value is failure
    [alert] = get_unresolved_alerts()
    assert (alert["alert_type"], alert["severity"], alert["component"]) == ("trade_failed", "high", "order_router")
    assert (alert["source_table"], alert["source_id"]) == ("positions", "12")
    assert alert["message"].startswith("Order to buy 150 KC-WINS failed: HTTP 401")
    details = alert["details"]
    assert (details["price"], details["quantity"], details["attempt"]) == ("0.62", "150", 2)
    assert details["error_type"] == "Rejected"
    assert "canary" not in str(alert)


def test_an_order_that_is_placed_is_nobodys_news(precog_env: object) -> None:
    assert _place(ORDER) == "sent KC-WINS"
    assert (_place.__name__, _place.__doc__) == ("_place", "Sends it.")
    with placing(ORDER):
        pass
    assert get_unresolved_alerts() == []


def test_the_decorator_finds_the_order_among_the_arguments(precog_env: object) -> None:
    with pytest.raises(Rejected):
        _place(ORDER, failure=Rejected("no"))
    with pytest.raises(Rejected):
        _place(failure=Rejected("no"), order=ORDER)
    [alert] = get_unresolved_alerts()
    assert (alert["duplicates"], alert["details"]["market_id"]) == (1, "KC-WINS")


def test_a_failure_without_an_order_is_told_of_as_well(precog_env: object) -> None:
    @tells_of_failures
    def cancel_all() -> None:
        raise Rejected

    with pytest.raises(Rejected):
        cancel_all()
    assert get_unresolved_alerts()[0]["message"] == "An order failed: Rejected"


def test_two_markets_are_two_alerts_and_one_market_is_one(precog_env: object) -> None:
    for market_id in ("KC-WINS", "BUF-WINS", "KC-WINS"):
        with pytest.raises(Rejected), placing(Order(market_id=market_id, side="buy")):
            raise Rejected
    assert [each["details"]["market_id"] for each in get_unresolved_alerts()] == ["BUF-WINS", "KC-WINS"]


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), SystemExit(1), GeneratorExit()])
def test_being_stopped_is_no_failure_of_the_order(precog_env: object, ending: BaseException) -> None:
    with pytest.raises(type(ending)):
        _place(ORDER, failure=ending)
    assert get_unresolved_alerts() == []


def test_what_returns_before_its_work_is_refused_at_once() -> None:
    async def later(order: Order) -> None: ...

    def step_by_step(order: Order) -> Iterator[None]:
        yield

    for each in (later, step_by_step):
        with pytest.raises(TypeError, match=r"use `with placing\(order\):` in it"):
            tells_of_failures(each)


def test_its_severity_is_the_configured_one(precog_env: object) -> None:
    set_override("trading.trade_failures.severity", "critical", by="ann")
    with pytest.raises(Rejected):
        _place(ORDER, failure=Rejected("no"))
    assert get_unresolved_alerts()[0]["severity"] == "critical"


def test_without_postgresql_the_failure_goes_on_and_the_journal_has_the_alert(
    precog_env: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    close_default_pool()
    precog_env.setenv("DATABASE_URL", "postgresql://precog@127.0.0.1:1/precog")
    with pytest.raises(Rejected, match="no"):
        _place(ORDER, failure=Rejected("no"))
    [journal] = (tmp_path / "journal").glob("*.jsonl")
    assert "trade_failed" in journal.read_text()


@pytest.mark.parametrize(
    "broken", [{"side": object()}, {"quantity": float("nan")}, {"facts": [1]}, {"position_id": "x" * 999}]
)
def test_a_strange_order_costs_neither_the_alert_nor_the_failure(precog_env: object, broken: dict[str, Any]) -> None:
    order = Order(**{"market_id": "KC-WINS", "side": "buy", **broken})
    with pytest.raises(Rejected), placing(order):
        raise Rejected("\x00\ud800")
    assert len(get_unresolved_alerts()) == 1
