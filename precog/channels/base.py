"""What every channel offers to the worker. A new channel: a file, a registry line, a config example, a test."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from precog.domain.alerts import Severity
from precog.domain.deliveries import Message, Receipt
from precog.settings.channel import ChannelSettings


class Channel(Protocol):
    def send(self, message: Message) -> Receipt:
        """Send to `message.recipient` and return the provider's acceptance.

        Raises a `SendFailure` whose class says what to do next, and nothing else. Bounded in time by the channel's own
        timeouts, together below the worker's hard limit of 60 s.
        """
        ...

    def close(self) -> None:
        """Give back what is held open (a session, a file). Harmless when repeated."""
        ...


class Traceable(Protocol):
    """A channel whose provider can be asked afterwards what became of a message whose answer was lost."""

    def find(self, message: Message) -> Receipt | None:
        """The receipt of this delivery if the provider knows it, None if it was never accepted.

        Raises a `SendFailure` when the provider cannot be asked.
        """
        ...


class Reporting(Protocol):
    """A channel whose provider can be asked later whether an accepted message was delivered."""

    def receipt(self, provider_message_id: str) -> Receipt:
        """What became of it, as far as the provider knows. Raises a `SendFailure` when it cannot be asked."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """One line of the registry."""

    name: str
    settings: type[ChannelSettings]
    """Validates the section `notifications.<name>` of system.yaml."""
    open: Callable[[Any], Channel]
    """Makes the channel from a value of `settings`. Opens no connection yet."""
    recipients: Callable[[Any, Severity], tuple[str, ...]]
    """Who gets an alert of this severity: the recipients written to `alert_routes`."""
    remote: bool
    """Whether it can reach a person who is not at this machine."""
    recipient: Callable[[str], str] = str
    """A recipient whom a caller names, in the channel's own form; a ValueError says why it can be nobody."""
