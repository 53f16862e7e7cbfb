"""A program whose first calls come from six threads at once, and which forks in the middle of them."""

import os
import sys
import threading
from collections.abc import Callable

import precog

THREADS, CHILDREN, EACH = 6, 10, 10


def log(who: str, count: int) -> None:
    for number in range(count):
        message = f"{who} {number}"
        alert_id = precog.log_alert("api_failures", "high", message, message)
        [mine] = precog.get_unresolved_alerts(component=message)
        assert (mine["alert_id"], mine["message"]) == (alert_id, message)


def forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - a child must not go on as its parent
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return child


def main() -> None:
    threads = [threading.Thread(target=log, args=(f"thread {number}", EACH)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    children = [forked(lambda name=f"child {number}": log(name, 3)) for number in range(CHILDREN)]  # type: ignore[misc]
    for thread in threads:
        thread.join()
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * CHILDREN


if __name__ == "__main__":
    main()
