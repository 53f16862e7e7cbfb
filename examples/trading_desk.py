"""The desk of the trading day: the loop that runs each minute, and how orders go out. This is what your program has."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from weeks_before import CENT, MARKETS, MINUTE, MORNING, NEWER, market

from precog import interlock, sources, trading
from precog.domain.alerts import Environment
from precog.interlock import Scope
from precog.store import alerts
from precog.trading import Position, Trade


class ExchangeDown(Exception):
    pass


@dataclass(slots=True, kw_only=True)
class Desk:
    """One trader's day: what time it is, the prices, what is held, and what it came to so far."""

    dice: random.Random
    say: Callable[[str], None]
    method_ids: dict[str, int]
    pause: float = 0.0
    """Seconds of the real clock that the trader takes to read what came."""
    now: datetime = MORNING
    exchange_is_up: bool = True
    prices: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(MARKETS, Decimal("0.50")))
    held: dict[str, Position] = field(default_factory=dict)
    line: list[Decimal] = field(default_factory=list)
    """Gains and losses of the day, minute by minute."""
    alert_at: list[int] = field(default_factory=list)
    """At which minute each alert came."""
    told: int = 0
    """The newest alert that was shown."""

    # What the trading loop does every minute

    def minutes(self, count: int, *, move: dict[str, Decimal] | None = None) -> None:
        """New prices, a report of how the exchange answers, every position valued, and a look by every source."""
        for _ in range(count):
            self.now += MINUTE
            for market_id in [each for each in self.prices if self.answers(each)]:
                step = (move or {}).get(market_id, CENT * self.dice.choice((-1, 0, 0, 0, 1)))
                self.quote(market_id, self.prices[market_id] + step)
            sources.report_health("kalshi_api", "healthy" if self.exchange_is_up else "down", at=self.now)
            self.value()
            self.look()

    def answers(self, market_id: str) -> bool:
        return self.exchange_is_up or MARKETS[market_id] != "kalshi"

    def quote(self, market_id: str, price: Decimal) -> None:
        price = self.prices[market_id] = min(max(price, CENT), 1 - CENT)
        trading.record_market(market(market_id, price), at=self.now)

    def value(self) -> None:
        for name, position in self.held.items():
            if position.status == "open":
                price = self.prices[position.market_id]
                gain = (price - position.entry_price) * position.quantity
                self.held[name] = replace(position, current_price=price, unrealized_pnl=gain)
                trading.record_position(self.held[name], at=self.now)
        self.line.append(sum((position.pnl for position in self.held.values()), Decimal(0)))

    def look(self) -> None:
        """What `precog watch` does by itself; here by the clock of the day."""
        sources.check_breakers(now=self.now)
        sources.check_profit_and_loss(now=self.now)
        sources.check_positions(now=self.now)
        sources.check_health(now=self.now)
        for alert in sorted(alerts.newest(Environment.DEMO), key=itemgetter("alert_id")):
            if alert["alert_id"] > self.told:
                self.told = alert["alert_id"]
                self.alert_at.append(len(self.line) - 1)
                self.say(f"    {self.now:%H:%M}  {alert['severity']:8}  {alert['alert_type']:18}  {alert['message']}")

    # Orders

    def enter(self, name: str, market_id: str, quantity: int, method: str = NEWER) -> None:
        """An order that raises risk: the interlock is asked before each, and an open breaker halts its platform."""
        platform_id = MARKETS[market_id]
        verdict = self.ask(Scope.platform(platform_id), Scope.market(market_id))
        if verdict:
            self.say(f"    {self.now:%H:%M}  blocked by {verdict.blocks[0].alert_type}: {name} is not bought")
            return
        if any(breaker.scope.get("platform_id") == platform_id for breaker in sources.list_breakers()):
            self.say(f"    {self.now:%H:%M}  {platform_id} is halted: {name} is not bought")
            return
        price = self.send("buy", market_id, quantity)
        position = Position(
            market_id=market_id,
            platform_id=platform_id,
            side="yes",
            entry_price=price,
            quantity=Decimal(quantity),
            current_price=price,
            unrealized_pnl=Decimal(0),
        )
        self.held[name] = replace(position, position_id=trading.record_position(position, at=self.now))
        self.fill(name, "buy", quantity, price, method)

    def ask(self, *scopes: Scope) -> interlock.Verdict:
        """Whether an order of these scopes is blocked. Not to know within 50 ms is a no: the desk asks again."""
        while (verdict := interlock.is_blocked(*scopes)).unknown is not None:
            time.sleep(0.1)
        return verdict

    def leave(self, name: str, method: str = NEWER) -> None:
        """An order that lowers risk is sent whatever is open."""
        position = self.held[name]
        price = self.send("sell", position.market_id, int(position.quantity))
        gain = (price - position.entry_price) * position.quantity
        closed = replace(position, status="closed", quantity=Decimal(0), unrealized_pnl=Decimal(0), realized_pnl=gain)
        trading.record_position(closed, at=self.now)
        self.held[name] = closed
        self.fill(name, "sell", int(position.quantity), price, method)

    @sources.tells_of_failures
    def sent(self, order: sources.Order) -> Decimal:
        """What it is filled at."""
        if not self.answers(order.market_id):
            raise ExchangeDown("HTTP 503 Service Unavailable")
        return self.prices[order.market_id]

    def send(self, side: str, market_id: str, quantity: int) -> Decimal:
        return self.sent(
            sources.Order(
                market_id=market_id,
                platform_id=MARKETS[market_id],
                side=side,
                price=self.prices[market_id],
                quantity=Decimal(quantity),
            )
        )

    def fill(self, name: str, side: str, quantity: int, price: Decimal, method: str) -> None:
        position = self.held[name]
        trading.add_trade(
            Trade(
                market_id=position.market_id,
                platform_id=position.platform_id,
                method_id=self.method_ids[method],
                position_id=position.position_id,
                side="buy" if side == "buy" else "sell",
                price=price,
                quantity=Decimal(quantity),
            ),
            at=self.now,
        )

    def go_on(self, action: str, notes: str) -> None:
        """The trader has looked into it: every open breaker is resolved, and with it the alert that it raised."""
        time.sleep(self.pause)
        for breaker in sources.list_breakers():
            sources.resolve_breaker(breaker.event_id, "ann", action, notes, at=self.now)
        self.say(f"    {self.now:%H:%M}  ann lets trading go on: {notes}")

    def release(self, reason: str) -> None:
        """Resolving a breaker says that it is over; only this lets orders go on that raise risk."""
        for block in self.ask(Scope.all()).blocks:
            interlock.release(block.alert_id, actor="ann", reason=reason)
        self.say(f"    {self.now:%H:%M}  ann releases what blocks: {reason}")
