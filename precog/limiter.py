"""The first look at the SMS limits, in Redis. PostgreSQL decides: what stands here can vanish at any moment."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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

_RUN = "string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')"
"""The name of this run of the server: another after each restart, which may have lost what was counted last."""
_LOOK_ALONE = f"""
if redis.call('GET', KEYS[2]) ~= {_RUN} then return false end
local function look()
{_LOOK}
end
if look() == 0 then return 0 end
redis.call('ZADD', KEYS[3], redis.call('ZSCORE', KEYS[1], ARGV[1]), ARGV[1])
redis.call('EXPIRE', KEYS[3], ARGV[4])
return 1
"""
_REBUILD = f"""
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1] - tonumber(ARGV[2]))
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', time[1] - tonumber(ARGV[1]))
for place = 3, #ARGV, 2 do
    redis.call('ZADD', KEYS[1], ARGV[place + 1], ARGV[place])
    redis.call('ZREM', KEYS[3], ARGV[place])
end
local alone = redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
for place = 1, #alone, 2 do redis.call('ZADD', KEYS[1], alone[place + 1], alone[place]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], {_RUN}, 'EX', ARGV[1])
"""
"""PostgreSQL's places instead of those here, but for the youngest, whose claims may not be committed yet, and for those
that were taken alone and that it has not heard of."""
_YOUNG_SECONDS = 90
"""How long a place may wait for its claim, with everything."""


@dataclass(frozen=True, slots=True)
class SmsLimiter:
    """Sliding windows over an hour and a day, a member for each attempt. Never raises: Redis away means None."""

    redis_url: str
    key: str

    @property
    def client(self) -> Redis:
        """This process's own: the limiter may have come here with a fork."""
        return client(self.redis_url)

    @property
    def _keys(self) -> tuple[str, str, str]:
        """The places; in which run of the server PostgreSQL's were last written; the places taken without it."""
        return self.key, f"{self.key}:counted-in-run", f"{self.key}:alone"

    def look(self, member: str, limits: SmsLimits) -> bool | None:
        """Take a place for this attempt. True: taken; False: no place is free; None: Redis cannot say."""
        try:
            return bool(self.client.eval(_LOOK, 1, self.key, member, limits.per_hour, limits.per_day, DAY, HOUR))
        except RedisError as error:
            log.info("Redis cannot say whether an SMS may go; PostgreSQL does", extra={"error": type(error).__name__})
            return None

    def look_alone(self, member: str, limits: SmsLimits) -> bool:
        """As `look`, for one who cannot ask PostgreSQL: a place is taken only where Redis has counted all that it had.

        PostgreSQL's own count must have been written here, in this run of the server and after any loss of keys.
        """
        windows = (limits.per_hour, limits.per_day, DAY, HOUR)
        try:
            return bool(self.client.eval(_LOOK_ALONE, 3, *self._keys, member, *windows))
        except RedisError as error:
            log.info("Redis cannot say whether an SMS may go", extra={"error": type(error).__name__})
            return False

    def alone(self) -> dict[str, datetime]:
        """The places taken alone that PostgreSQL may not have heard of, and since when; none where Redis is away."""
        try:
            taken: Any = self.client.zrange(self._keys[2], 0, -1, withscores=True)
        except RedisError:
            return {}
        return {member.decode(): datetime.fromtimestamp(at, UTC) for member, at in taken}

    def give_back(self, member: str) -> None:
        """The attempt was surely not sent: its place is free again."""
        try:
            for key in (self._keys[0], self._keys[2]):
                self.client.zrem(key, member)
        except RedisError as error:
            log.info("a place in the SMS limit was not given back", extra={"error": type(error).__name__})

    def rebuild(self, places: Mapping[str, datetime]) -> None:
        """Write the windows anew from what PostgreSQL counts: each attempt, and since when."""
        flat = [text for member, moment in places.items() for text in (member, str(moment.timestamp()))]
        try:
            self.client.eval(_REBUILD, 3, *self._keys, DAY, _YOUNG_SECONDS, *flat)
        except RedisError as error:
            log.debug("the SMS limit in Redis was not rebuilt", extra={"error": type(error).__name__})


def sms_limiter(environment: Environment, redis_url: str) -> SmsLimiter:
    """Opens no connection yet."""
    return SmsLimiter(redis_url, f"{key_prefix(environment)}sms")
