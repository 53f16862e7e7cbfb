"""The first look at the SMS limits, in Redis. PostgreSQL decides: what stands here can vanish at any moment."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

from precog.domain.alerts import Environment
from precog.pacing import SmsLimits
from precog.queue import client, key_prefix

log = logging.getLogger("precog.limiter")

HOUR, DAY = 3600, 86_400

_LOOK = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[4]))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 1 end
local hour = redis.call('ZCOUNT', KEYS[1], now - tonumber(ARGV[5]), '+inf')
if hour >= tonumber(ARGV[2]) or redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""
"""Both windows counted and the place taken in one step; a place that is taken already is granted again."""


@dataclass(frozen=True, slots=True)
class SmsLimiter:
    """Sliding windows over an hour and a day, a member for each attempt. Never raises: Redis away means None."""

    client: Redis
    key: str

    def look(self, member: str, limits: SmsLimits) -> bool | None:
        """Take a place for this attempt. True: taken; False: no place is free; None: Redis cannot say."""
        try:
            return bool(self.client.eval(_LOOK, 1, self.key, member, limits.per_hour, limits.per_day, DAY, HOUR))
        except RedisError as error:
            log.info("Redis cannot say whether an SMS may go; PostgreSQL does", extra={"error": type(error).__name__})
            return None

    def give_back(self, member: str) -> None:
        """The attempt was surely not sent: its place is free again."""
        try:
            self.client.zrem(self.key, member)
        except RedisError as error:
            log.info("a place in the SMS limit was not given back", extra={"error": type(error).__name__})

    def rebuild(self, counted: Iterable[datetime]) -> None:
        """Write the windows anew from what PostgreSQL counts."""
        places = {f"postgresql:{number}": moment.timestamp() for number, moment in enumerate(counted)}
        try:
            with self.client.pipeline(transaction=True) as pipe:
                pipe.delete(self.key)
                if places:
                    pipe.zadd(self.key, places)
                    pipe.expire(self.key, DAY)
                pipe.execute()
        except RedisError as error:
            log.info("the SMS limit in Redis was not rebuilt", extra={"error": type(error).__name__})


def sms_limiter(environment: Environment, redis_url: str) -> SmsLimiter:
    """Opens no connection yet."""
    return SmsLimiter(client(redis_url), f"{key_prefix(environment)}sms")
