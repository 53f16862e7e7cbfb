"""A trading day in half a minute: `python examples/trading_day.py [--seed N]`

A trader of prediction markets has a bad Sunday: the exchange fails, a strategy loses five times in a row, a fault in
the data looks like a gift, a program runs away, a position crashes, and a model turns out to be worse than it was.

Prices are played, and the clock of the day is set by hand. PostgreSQL, Redis, the workers, the alert sources, the
interlock and every alert are real; mail, SMS, Slack and a webhook arrive on loopback. The servers are its own, unless
DATABASE_URL and REDIS_URL name others: there it uses a database and keys of its own. Nothing is left behind.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from decimal import Decimal
from operator import itemgetter
from pathlib import Path

from trading_desk import Desk, ExchangeDown
from weeks_before import CENT, DAY, MARKETS, MORNING, NEWER, OLDER, edge, settle, the_weeks_before

from precog import interlock, methods, sources, trading
from precog.demo.borrowed import borrowed
from precog.demo.crew import crew
from precog.demo.outside import outside_world
from precog.demo.stage import stage
from precog.domain.alerts import Environment
from precog.domain.records import AlertRecord
from precog.store import alerts


def live_through(seed: int, say: Callable[[str], None], *, pause: float = 0.0) -> Desk:
    """The whole day. The same seed is the same day; `pause` gives the workers time to tell before somebody reacts."""
    dice = random.Random(seed)
    say("Before: two versions of a method on paper, and ten weeks of a model's predictions")
    desk = Desk(dice=dice, say=say, pause=pause, method_ids=the_weeks_before(dice))
    for scene in (
        quiet_morning,
        outage,
        losing_streak,
        busy_feed,
        data_fault,
        runaway,
        winner,
        crash,
        second_thoughts,
        evening,
    ):
        say(str(scene.__doc__))
        scene(desk)
    return desk


def quiet_morning(desk: Desk) -> None:
    """A quiet morning: each version of the method buys a little"""
    for market_id in MARKETS:
        desk.quote(market_id, desk.prices[market_id])
    desk.enter("older", "BUF-WINS", 100, OLDER)
    desk.enter("newer", "PHI-WINS", 100, NEWER)
    desk.minutes(10)


def outage(desk: Desk) -> None:
    """The exchange fails: no prices, no answers, orders that nobody takes"""
    desk.exchange_is_up = False
    for minute in range(8):
        for request in ("GET /markets", "GET /portfolio"):
            trading.add_api_failure("kalshi", request, "HTTP 503", at=desk.now)
        if minute in {0, 1}:
            with suppress(ExchangeDown):
                desk.leave("older")
        desk.minutes(1)
    desk.enter("cheap", "KC-WINS", 100)
    desk.exchange_is_up = True
    desk.minutes(1)
    desk.go_on("fixed", "the exchange is back")
    desk.minutes(7)


def losing_streak(desk: Desk) -> None:
    """The strategy loses five times in a row, a little each time"""
    for number in range(5):
        desk.enter(f"scalp {number}", "KC-WINS", 100)
        desk.minutes(2, move={"KC-WINS": -3 * CENT})
        desk.leave(f"scalp {number}")
        desk.quote("KC-WINS", desk.prices["KC-WINS"] + 6 * CENT)
    desk.minutes(1)
    desk.go_on("ignored", "smaller stakes from here on")


def busy_feed(desk: Desk) -> None:
    """A new feature asks for prices too often"""
    meter = sources.RateMeter("kalshi", clock=lambda: 0.0)
    for _ in range(17):
        meter.request()
    desk.minutes(1)


def data_fault(desk: Desk) -> None:
    """A decimal point slips: three edges too good to be true"""
    for market_id in ("KC-WINS", "BUF-WINS", "PHI-WINS"):
        trading.record_edge(edge(market_id, desk.method_ids[NEWER], Decimal("0.95")), at=desk.now)
    desk.minutes(1)
    desk.go_on("false_positive", "the data was wrong, not the market")


def runaway(desk: Desk) -> None:
    """A loop does not stop: twenty fills in two minutes"""
    for _ in range(20):
        desk.fill("newer", "buy", 1, desk.prices["PHI-WINS"], NEWER)
    desk.minutes(2)
    desk.go_on("fixed", "the loop is stopped")


def winner(desk: Desk) -> None:
    """Something goes well, on the other exchange, with more at stake than the method allows"""
    desk.enter("dune", "DUNE-OSCAR", 2500)
    desk.minutes(5, move={"DUNE-OSCAR": 5 * CENT})
    desk.leave("dune")


def crash(desk: Desk) -> None:
    """A large position falls, faster and faster past every limit"""
    desk.quote("KC-WINS", Decimal("0.70"))
    desk.enter("large", "KC-WINS", 1000)
    desk.minutes(10, move={"KC-WINS": -6 * CENT})
    desk.enter("more", "KC-WINS", 1000)
    desk.leave("large")
    desk.minutes(1)


def second_thoughts(desk: Desk) -> None:
    """The loss is looked into: resolving is not enough for the interlock, a release is"""
    desk.go_on("fixed", "the large position is sold")
    desk.enter("again", "DUNE-OSCAR", 10)
    desk.release("limits checked with the risk desk")
    desk.enter("again", "DUNE-OSCAR", 10)
    desk.minutes(1)


def evening(desk: Desk) -> None:
    """The games are over: positions settle, and the model is held against what came"""
    for market_id, outcome in (("BUF-WINS", "no"), ("PHI-WINS", "yes")):
        settle(market_id, outcome == "yes", desk.now)
    desk.quote("BUF-WINS", CENT)
    desk.quote("PHI-WINS", 1 - CENT)
    desk.leave("older", OLDER)
    desk.leave("newer", NEWER)
    sources.check_models(now=desk.now)
    desk.minutes(1)


# What came of it


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seed", type=int, default=2026, help="another seed, another day (default: %(default)s)")
    seed = parser.parse_args().seed
    with ExitStack() as running, tempfile.TemporaryDirectory(prefix="precog-day-") as name:
        directory = Path(name)
        (directory / "log").mkdir()
        where = running.enter_context(borrowed(directory, print))
        outside = running.enter_context(outside_world(directory, webhook_hangs=False))
        prepared = running.enter_context(stage(directory, where, outside))
        running.enter_context(crew(directory, prepared.environment, print)).wait_until_ready(where.redis_url)
        print(f"On {where.described}, with two workers\n")
        interlock.ready()
        desk = live_through(seed, print, pause=0.5)
        print("\nThe workers deliver what is left ...")
        settled = wait_until_delivered()
        print("\n".join(["", *picture(desk), "", *alert_lines(), "", *comparison_lines(), ""]))
        arrived = Counter(channel for channel, _ in outside.received().elements())
        print("Arrived: " + ", ".join(f"{channel} {count}" for channel, count in sorted(arrived.items())))
        running.close()
    return 0 if settled else 1


def wait_until_delivered(seconds: float = 60.0) -> bool:
    """Whether nothing is on its way any more; an SMS over the limit of the hour is held, and not waited for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = every_alert()
        moving = {state for each in found for state in each["notification_channels"].values()} & {"pending", "sending"}
        if not moving and all(each["planned"] for each in found):
            return True
        time.sleep(0.2)
    return False


def every_alert() -> list[AlertRecord]:
    """In the order in which they were raised."""
    return sorted(alerts.newest(Environment.DEMO, duplicates=True, most=1000), key=itemgetter("alert_id"))


def picture(desk: Desk) -> list[str]:
    """The line of gains and losses, and below it the minutes in which alerts came."""
    low, high = min(desk.line), max(desk.line)
    heights = [int((value - low) * 7 / (high - low or 1)) for value in desk.line]
    marks = ["^" if minute in desk.alert_at else " " for minute in range(len(desk.line))]
    return [
        f"Gains and losses, {high:+.2f} at best, {low:+.2f} at worst; ^ an alert",
        "".join("▁▂▃▄▅▆▇█"[height] for height in heights),
        "".join(marks).rstrip(),
    ]


def alert_lines() -> list[str]:
    counted = Counter((each["alert_type"], each["severity"]) for each in every_alert())
    open_now = Counter(each["alert_type"] for each in every_alert() if each["resolved_at"] is None)
    return ["Alerts, those that are still open in brackets"] + [
        f"    {alert_type:20}{severity:10}{count:3}  ({open_now[alert_type]})"
        for (alert_type, severity), count in counted.items()
    ]


def comparison_lines() -> list[str]:
    compared = methods.compare_methods([OLDER, NEWER], since=MORNING, until=MORNING + DAY)
    return ["The two versions of the method today, with 95 % intervals"] + [
        f"    {each.method.name}  {each.won} of {each.decided} bets won, {each.win_rate_interval};"
        f"  {each.profit:+.2f} dollars on {each.stake:.2f}"
        for each in compared.versions
    ]


if __name__ == "__main__":
    sys.exit(main())
