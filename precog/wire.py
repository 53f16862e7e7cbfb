"""Commands for Redis in one round trip, over connections that are kept.

What a pipeline of redis-py does, at half its cost: that one takes its connection from a pool with locks and events each
time, and asks the socket whether it is still good. Here a connection that turns out to be dead is replaced.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as Late

from precog.fork_gate import no_fork

Command = tuple[str | bytes, ...]


class Wire:
    """Connections as `redis` makes them, with its limits of time; each has one user at a time.

    There is no lock, which a fork could leave locked; a child needs a wire of its own.
    """

    def __init__(self, redis: Redis) -> None:
        self._made_by = redis.connection_pool
        self._idle: list[Any] = []

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """The answers, when all are done. Raises RedisError; where Redis refuses one command, it has done the others.

        They may be done twice: nobody can tell what a connection that broke had passed on.
        """
        try:
            return self._exchange(self._idle.pop(), commands)
        except IndexError:  # all are in use
            return self._exchange(self._new(), commands)
        except Broken:  # Redis was restarted, or closed what stood idle: the others are as dead
            self._close_idle()
            return self._exchange(self._new(), commands)
        except Late:  # it hangs, or its machine is gone without a word: then the others would each be as late
            self._close_idle()
            raise

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().disconnect()

    def _new(self) -> Any:
        made = self._made_by.connection_class(**self._made_by.connection_kwargs)
        with no_fork:  # looking up a name and TLS hold locks, too
            made.connect()
        return made

    def _exchange(self, connection: Any, commands: Sequence[Command]) -> list[Any]:
        connection.send_packed_command([b"".join([_packed(each) for each in commands])])
        answers, refused = [], None
        for _ in commands:  # every answer is read, or the next user would take it for its own
            try:
                answers.append(connection.read_response())
            except ResponseError as error:
                refused = refused or error
        self._idle.append(connection)
        if refused is not None:
            raise refused
        return answers


def _packed(command: Command) -> bytes:
    """As Redis reads it: how many words, and each behind its length. redis-py's own packing takes twice as long."""
    words = [word if isinstance(word, bytes) else word.encode() for word in command]
    return b"*%d\r\n%b" % (len(words), b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words]))
