"""Orders that fail: an alert with the order's facts, and the failure goes on to whoever placed the order."""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import partial, wraps
from typing import ParamSpec, TypeVar

from precog import arguments, intake
from precog.domain.alerts import Severity
from precog.domain.redact import short_reason
from precog.errors import PrecogError, StoreError
from precog.json_lines import masked
from precog.sources.raising import Record
from precog.sources.thresholds import current_thresholds, file_thresholds

log = logging.getLogger("precog.sources")

P = ParamSpec("P")
R = TypeVar("R")

COMPONENT = "order_router"
_OVERRIDES_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked of a platform. Nothing in it is checked: an alert must not be why an order is not placed."""

    market_id: str
    side: str
    platform_id: str | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None
    order_id: str | None = None
    strategy_id: int | None = None
    method_id: int | None = None
    position_id: int | None = None
    """The position it is to leave or to grow."""
    edge_id: int | None = None
    exit_attempt_id: int | None = None
    facts: Mapping[str, object] | None = None
    """Anything else that whoever reads the alert should know; secret-looking keys are masked."""

    @property
    def record(self) -> Record | None:
        """The row that says most about it."""
        for table, key in (
            ("exit_attempts", self.exit_attempt_id),
            ("positions", self.position_id),
            ("edges", self.edge_id),
        ):
            if key is not None:
                return Record(table=table, id=key)
        return None


@contextmanager
def placing(order: Order) -> Iterator[None]:
    """Tell of whatever fails inside, and let it through. Ctrl-C and exits are no failures.

    Where nothing fails it costs nothing; where something does, as long as `log_alert()`, at most 4 s while PostgreSQL
    hangs. It never raises anything of its own.
    """
    try:
        yield
    except Exception as failure:
        _tell(order, failure)
        raise


def tells_of_failures(place: Callable[P, R]) -> Callable[P, R]:
    """The same for a function that places an order: its first argument that is an Order says which."""
    if inspect.iscoroutinefunction(place) or inspect.isgeneratorfunction(place):
        raise TypeError(f"{place.__qualname__} does its work after it returned: use `with placing(order):` in it")

    @wraps(place)
    def placed(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return place(*args, **kwargs)
        except Exception as failure:
            _tell(next((each for each in (*args, *kwargs.values()) if isinstance(each, Order)), None), failure)
            raise

    return placed


def _tell(order: Order | None, failure: Exception) -> None:
    facts: dict[str, object] = {}
    try:
        facts = _facts(order, failure)
        record = None if order is None else order.record
        intake.accept(
            arguments.new_alert(
                alert_type="trade_failed",
                severity=_severity(),
                component=COMPONENT,
                message=_message(order, failure),
                details=facts,
                notify=True,
                source_table=None if record is None else record.table,
                source_id=None if record is None else record.id,
            )
        )
    except StoreError as error:
        if not error.journaled:  # which intake has logged with its facts
            log.error("a failed order is told of nowhere but in the log", extra={"error": str(error)})
    except Exception as error:  # noqa: BLE001 - the failure of the order must reach its caller, not this one
        log.critical("a failed order could not be told of", extra=masked({"order": facts, "error": error}))


def _facts(order: Order | None, failure: Exception) -> dict[str, object]:
    known = {} if order is None else {each.name: getattr(order, each.name) for each in fields(order)}
    more = known.pop("facts", None)
    return masked(
        {
            **{name: value for name, value in known.items() if value is not None},
            **(more if isinstance(more, Mapping) else {}),
            "error": short_reason(str(failure)),
            "error_type": type(failure).__name__,
        }
    )  # type: ignore[return-value]


def _message(order: Order | None, failure: Exception) -> str:
    what = "An order" if order is None else f"Order to {order.side} {order.quantity or ''} {order.market_id}"
    return f"{' '.join(what.split())} failed: {short_reason(str(failure)) or type(failure).__name__}"


def _severity() -> Severity:
    """As configured; without PostgreSQL as the files say, and high where they cannot be read."""
    for limits in (partial(current_thresholds, within=_OVERRIDES_SECONDS), file_thresholds):
        try:
            return limits().trading.trade_failures.severity
        except PrecogError as error:
            log.warning("the severity of failed orders is not what it should be", extra={"error": str(error)})
    return Severity.HIGH
