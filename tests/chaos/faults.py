"""What a storm is made of. Each fault is over when it returns, but for the repairs that it leaves to others."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import psycopg2
import redis

from tests.chaos.family import family, recovery_of, senders
from tests.chaos.receiver import CHANNELS, Manner
from tests.chaos.rig import Rig
from tests.proxy import Cut, Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    name: str
    happen: Callable[[], None]
    weight: int
    repeats: int = 0
    """How many sends it may catch between their acceptance and its being written down."""


@dataclass(slots=True)
class Storm:
    """One fault after the other, drawn by the dice, and a record of them."""

    rig: Rig
    dice: random.Random
    workers: tuple[str, ...]
    producers: tuple[str, ...]
    happened: list[str] = field(default_factory=list)
    may_repeat: int = 0

    def blow(self, seconds: float) -> None:
        """One fault a second, or as fast as they are over."""
        until = time.monotonic() + seconds
        faults = self._faults()
        weights = [fault.weight for fault in faults]
        while time.monotonic() < until:
            began = time.monotonic()
            [fault] = self.dice.choices(faults, weights)
            self.happened.append(fault.name)
            self.may_repeat += fault.repeats
            fault.happen()
            time.sleep(max(0.0, 1 - (time.monotonic() - began)))
        self.rig.behave()

    def _faults(self) -> list[Fault]:
        """Two workers with two children and a recovery each: six may be sending when a server goes."""
        everybody = 6
        return [
            Fault(name="kill a child", happen=self._kill_child, weight=6, repeats=1),
            Fault(name="kill a worker and all of its", happen=self._kill_worker, weight=4, repeats=3),
            Fault(name="kill a recovery", happen=self._kill_recovery, weight=4, repeats=1),
            Fault(name="kill a producer", happen=self._kill_producer, weight=3),
            Fault(name="kill Redis", happen=self._kill_redis, weight=3),
            Fault(name="flush Redis", happen=partial(self._tell_redis, "FLUSHALL"), weight=4),
            Fault(name="stop Redis for 2 s", happen=self._freeze_redis, weight=3),
            Fault(name="no memory in Redis", happen=self._fill_redis, weight=3),
            Fault(name="PostgreSQL ends at once", happen=self._crash_postgres, weight=2, repeats=everybody),
            Fault(name="end all sessions", happen=self._end_sessions, weight=3, repeats=everybody),
            Fault(name="stop PostgreSQL for 2 s", happen=self._freeze_postgres, weight=2, repeats=everybody),
            Fault(name="reset connections", happen=self._reset, weight=3, repeats=everybody),
            Fault(name="500 ms late", happen=self._delay, weight=2),
            Fault(name="swallow the reply of COMMIT", happen=self._swallow, weight=6, repeats=1),
            Fault(name="the outside misbehaves", happen=self._misbehave, weight=8),
        ]

    def _worker(self) -> int:
        return self.rig.running[self.dice.choice(self.workers)].pid

    def _kill_child(self) -> None:
        _kill(self.dice.sample(found, 1) if (found := senders(self._worker())) else [])

    def _kill_worker(self) -> None:
        _kill(family(self._worker()))

    def _kill_recovery(self) -> None:
        _kill(recovery_of(self._worker()))

    def _kill_producer(self) -> None:
        _kill([self.rig.running[self.dice.choice(self.producers)].pid])

    def _kill_redis(self) -> None:
        self.rig.redis.kill()
        time.sleep(self.dice.random())
        self.rig.redis.start()

    def _tell_redis(self, *command: str) -> None:
        with suppress(redis.RedisError), redis.Redis.from_url(self.rig.redis.url, socket_timeout=2) as client:
            client.execute_command(*command)

    def _freeze_redis(self) -> None:
        self.rig.freeze([self.rig.redis.process.pid], 2)

    def _fill_redis(self) -> None:
        self._tell_redis("CONFIG", "SET", "maxmemory", "1")
        time.sleep(2)
        self._tell_redis("CONFIG", "SET", "maxmemory", "0")

    def _crash_postgres(self) -> None:
        self.rig.postgres.process.send(signal.SIGQUIT)  # at once: sessions end and nothing is written out
        self.rig.postgres.process.wait(10)
        self.rig.postgres.start()

    def _end_sessions(self) -> None:
        with suppress(psycopg2.Error):
            self.rig.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    def _freeze_postgres(self) -> None:
        self.rig.freeze(self.rig.postgres_family(), 2)

    def _reset(self) -> None:
        self.dice.choice((self.rig.postgres_door, self.rig.redis_door)).reset()

    def _delay(self) -> None:
        door = self.dice.choice((self.rig.postgres_door, self.rig.redis_door))
        door.latency = 0.5
        time.sleep(2)
        door.latency = 0.0

    def _swallow(self) -> None:
        words = self.dice.choice((b"COMMIT", b"EXECUTE"))  # a transaction of several trips, or a call in one
        self.rig.postgres_door.cuts.append(Cut(words=words, moment=Moment.AFTER))

    def _misbehave(self) -> None:
        manner = self.dice.choice((Manner.BUSY, Manner.BROKEN, Manner.SILENT, Manner.FORGETFUL))
        self.rig.manners(**{self.dice.choice(CHANNELS): manner})
        time.sleep(2)
        self.rig.manners()


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
