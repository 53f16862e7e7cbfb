"""The order of things: set up, play the story, wait, check, tell, clear up."""

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from precog import acknowledge_alert, log_alert
from precog.demo import report, watch
from precog.demo.borrowed import borrowed
from precog.demo.crew import Crew, crew
from precog.demo.next_steps import next_steps
from precog.demo.outside import Outside, outside_world
from precog.demo.screen import Screen
from precog.demo.signals import Stopped, StopSignals, stop_signals
from precog.demo.stage import stage
from precog.demo.story import AFTERNOON, LIMIT, Scene
from precog.demo.verdict import faults
from precog.demo.watch import Logged, Outcome
from precog.errors import LocalStackError, PrecogError
from precog.json_lines import JsonLines
from precog.localstack.commands import WORKERS

_PATIENCE_SECONDS = 180.0
"""Above the lease: what a killed worker was sending is taken over when that ends."""

log = logging.getLogger("precog.demo")


def run(*, kill_worker: bool) -> int:
    began, status = time.monotonic(), 0
    directory = Path(tempfile.mkdtemp(prefix="precog-demo-"))
    (directory / "log").mkdir()
    with stop_signals() as signals, _logged_to(directory / "log" / "demo.jsonl"):
        screen = Screen(signals.heed)
        try:
            status = _outcome(signals, directory, screen, kill_worker=kill_worker)
        finally:
            _clear_up(directory, screen, keep_logs=status == 1)
    if status == 0:
        screen.say(f"Done in {time.monotonic() - began:.1f} s, and nothing of it is left.")
    return status


def _outcome(signals: StopSignals, directory: Path, screen: Screen, *, kill_worker: bool) -> int:
    with ExitStack() as running:
        status = _played(signals, running, directory, screen, kill_worker=kill_worker)
        try:
            with screen.step("Stopping what was started") as done:
                running.close()
                done("Every process that was started has ended")
        except Exception as error:
            log.exception("the demo did not clear up")
            screen.say(f"Not everything could be stopped: {type(error).__name__}: {error}", "red")
            return status or 1
    return status


def _played(signals: StopSignals, running: ExitStack, directory: Path, screen: Screen, *, kill_worker: bool) -> int:
    """The status that the story ends with; what it started is left in `running`."""
    try:
        with signals.raised():
            well = _play(running, directory, screen, kill_worker=kill_worker)
    except Stopped as stopped:
        screen.say(f"Stopped by {stopped} {screen.progress}.", "yellow")
        return stopped.exit_status
    except PrecogError as error:
        screen.say(f"The demo ended {screen.progress}: {error}", "red")
        return 1
    except Exception as error:
        log.exception("the demo broke")
        screen.say(f"The demo broke {screen.progress}: {type(error).__name__}: {error}", "red")
        return 1
    return 0 if well else 1


def _play(running: ExitStack, directory: Path, screen: Screen, *, kill_worker: bool) -> bool:
    """All of it, with what has to be stopped afterwards left in `running`. Whether everything went well."""
    with screen.step("Starting the servers") as done:
        where = running.enter_context(borrowed(directory, screen.say))
        done(f"Servers: {where.described}")
    with screen.step("Migrating") as done:
        outside = running.enter_context(outside_world(directory, webhook_hangs=kill_worker))
        set_up = running.enter_context(stage(directory, where, outside))
        done(
            f"{set_up.migrations} migrations and {len(set_up.routes)} routes; mail, SMS, Slack and webhook on loopback"
        )
    with screen.step("Starting the workers") as done:
        workers = running.enter_context(crew(directory, set_up.environment, screen.say))
        workers.wait_until_ready(where.redis_url)
        done(f"{len(WORKERS)} workers ready")
    story = _tell_story(screen, outside, workers if kill_worker else None)
    found = faults(
        watch.read(story),
        received=outside.received(),
        asked_for=watch.asked_for(),
        routes=set_up.routes,
        worker_killed=kill_worker,
    )
    if not found:
        acknowledge_alert(story[0].alert_id, "ana", "closing the positions by hand")
        screen.say(f"    ana takes on #{story[0].alert_id} and its duplicate")
    _report(screen, watch.read(story), outside, found)
    return not found


def _tell_story(screen: Screen, outside: Outside, to_kill: Crew | None) -> list[Logged]:
    screen.say("")
    story = [_log(scene, screen) for scene in AFTERNOON]
    with screen.step("Sending the SMS that the hour allows"):
        _wait(story, screen, "sms")
    story.append(_log(LIMIT, screen))
    if to_kill is not None:
        _kill(to_kill, story, outside, screen)
    with screen.step("Waiting for the deliveries") as done:
        done(watch.progress(_wait(story, screen), now=datetime.now(UTC)))
    return story


def _log(scene: Scene, screen: Screen) -> Logged:
    began = time.monotonic()
    alert_id = log_alert(scene.alert_type, scene.severity, scene.component, scene.message, scene.details)
    seconds = time.monotonic() - began
    screen.tell(f"#{alert_id} {scene.alert_type}", scene.point, seconds)
    return Logged(scene=scene, alert_id=alert_id)


def _wait(story: Sequence[Logged], screen: Screen, *channels: str) -> list[Outcome]:
    """Until every delivery of these channels, or of all, has come to rest; no longer than makes sense."""
    return watch.wait(
        story,
        done=lambda outcomes: not watch.moving(outcomes, *channels),
        show=lambda outcomes: screen.show(watch.progress(outcomes, now=datetime.now(UTC))),
        seconds=_PATIENCE_SECONDS,
    )


def _kill(workers: Crew, story: Sequence[Logged], outside: Outside, screen: Screen) -> None:
    with screen.step("Waiting until the webhook's send is under way") as done:
        if not outside.played.hanging.wait(20):
            raise LocalStackError("no worker began to send to the webhook within 20 s")
        # Its other send ends first: a mail that was taken and not written down yet would come a second time.
        watch.wait(story, lambda outcomes: not watch.moving(outcomes, "email"), lambda _: None, seconds=5)
        group = workers.kill("worker-mail")
        done(f"kill -9 for worker-mail, process group {group}, in the middle of a send; taken over within 2 minutes")


def _report(screen: Screen, outcomes: Sequence[Outcome], outside: Outside, found: Sequence[str]) -> None:
    console = screen.console
    console.print(report.heading("What happened"), report.what_happened(outcomes))
    console.print(report.heading("What arrived, one of each"), report.what_arrived(outside, console.width))
    console.print(report.heading("Where to look next"), report.where_next(next_steps()), soft_wrap=True)
    screen.say("")
    if found:
        screen.say("Not everything went as it should:", "bold red")
        for fault in found:
            screen.say(f"  {fault}", "red")
    else:
        screen.say(report.summary(outcomes), "green")
    screen.say("")


@contextmanager
def _logged_to(file: Path) -> Iterator[None]:
    """What the library logs in this process goes there and nowhere else."""
    handler = logging.FileHandler(file)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    before, root.handlers = root.handlers, [handler]
    try:
        yield
    finally:
        root.handlers = before
        handler.close()


def _clear_up(directory: Path, screen: Screen, *, keep_logs: bool) -> None:
    logs = directory / "log"
    kept = [each for each in logs.iterdir() if each.stat().st_size > 0] if keep_logs else []
    if not kept:
        shutil.rmtree(directory, ignore_errors=True)
        return
    for each in directory.iterdir():
        if each.is_dir() and each != logs:
            shutil.rmtree(each, ignore_errors=True)
        elif each != logs:
            each.unlink()
    screen.say(f"Its logs are kept: {logs}/ ({', '.join(sorted(each.name for each in kept))})", "yellow")
