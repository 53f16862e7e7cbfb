"""`precog channels`: which of them pass anything."""

from dataclasses import asdict, dataclass
from datetime import datetime

import typer

from precog.arguments import environment_named
from precog.cli.configured import ChannelState, channel_states, current_settings
from precog.cli.options import By, ChannelName, EnvironmentName, Json
from precog.cli.output import coloured, new_table, now, out, plain, print_json, relative, say
from precog.store import channels
from precog.store.channels import Pause

app = typer.Typer(
    help="See which channels are on, off or paused, and let a paused one go on; `precog test-notification` tries one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    channel: str
    state: str
    """on, off or paused."""
    why: str
    paused_at: datetime | None
    error_code: str | None


@app.command("list")
def list_(*, environment: EnvironmentName = None, as_json: Json = False) -> None:
    """List the channels: on, off with the reason, or paused since when and why.

    A channel is paused when its provider refuses our credentials; what it would send is held until it goes on.

    Example: precog channels list
    """
    pauses = {each.channel: each for each in channels.paused(environment_named(environment))}
    lines = [_line(each, pauses.get(each.channel)) for each in channel_states(current_settings())]
    if as_json:
        print_json([asdict(each) for each in lines])
        return
    table, moment = new_table("CHANNEL", "STATE", "SINCE", ""), now()
    for each in lines:
        since = relative(each.paused_at, moment) if each.paused_at else ""
        table.add_row(each.channel, coloured(each.state), since, plain(each.why))
    out().print(table)


def _line(configured: ChannelState, pause: Pause | None) -> _Line:
    if pause is None:
        return _Line(
            channel=configured.channel,
            state="on" if configured.on else "off",
            why=configured.state.removeprefix("on, ").removeprefix("off: "),
            paused_at=None,
            error_code=None,
        )
    return _Line(
        channel=pause.channel,
        state="paused",
        why=pause.reason,
        paused_at=pause.paused_at,
        error_code=pause.error_code,
    )


@app.command()
def resume(channel: ChannelName, *, by: By, environment: EnvironmentName = None) -> None:
    """Let a paused channel go on, once what its provider refused is mended; recovery sends what was held.

    Example: precog channels resume sms
    """
    if channels.resume(environment_named(environment), channel, by=by):
        say(f"{channel} goes on; recovery sends what was held.")
    else:
        say(f"{channel} was not paused.")
