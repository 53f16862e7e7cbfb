"""Every error Precog raises on purpose.

PrecogError
├── AlertValueError         a field of the call holds what is not allowed          (also a ValueError)
├── AlertTypeError          a field of the call has the wrong type                 (also a TypeError)
├── UnknownAlert            no alert of this id in this environment                (also a LookupError)
├── UnknownDelivery         no delivery, or more than one, whose id begins like this (also a LookupError)
├── IdempotencyConflict     the same idempotency key with another content          (also a ValueError)
├── OrdersBlocked           an open alert blocks these orders, or nobody can say that none does
├── NotBlocking             no alert of this incident ever blocked orders          (also a LookupError)
├── ReleaseRefused          the database does not let its role release
├── UnknownMethod           no trading method of this name and version             (also a LookupError)
├── MethodInvalid           everything that is wrong with a trading method, together (also a ValueError)
├── MethodRefused           the database's rules for methods do not allow it
├── UnknownBreaker          no circuit breaker event of this id                    (also a LookupError)
├── RowInvalid              everything that is wrong with a trading row, together    (also a ValueError)
├── RowRefused              the database's rules for trading rows do not allow it
├── ConfigError             everything that is wrong with the configuration, together
├── StoreError              PostgreSQL did not do what was asked
│   ├── AlertStoreUnavailable   not reached, or no certain answer in time
│   ├── StoreBusy               every connection of the pool stayed in use
│   ├── SchemaMismatch          the schema is missing, older or newer than this code
│   └── MigrationFailed         a migration was not applied, and nothing of it is left
├── JournalError            the file of alerts that wait for PostgreSQL cannot be used
├── LocalStackError         a server or worker of the local stack did not do what was asked
├── SmsLimitReached         the hour's or the day's SMS are used up
└── SendFailure             a channel did not get a message accepted; the subclass says what to do
    ├── PermanentFailure        refused for good: do not send this again
    ├── TransientFailure        surely not sent: send again, after `retry_after` if it is given
    │   └── RateLimited             the provider named a pause
    ├── UnknownOutcome          it may have been sent: look it up before sending again
    └── ChannelMisconfigured    no message can pass until a person mends the channel
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple


class PrecogError(Exception):
    """The root: catch this to catch everything Precog raises on purpose."""


class AlertValueError(PrecogError, ValueError):
    """A field of the call holds what is not allowed. Nothing was written."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class AlertTypeError(PrecogError, TypeError):
    """A field of the call has the wrong type. Nothing was written."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {type(value).__name__}")
        self.field = field


class UnknownAlert(PrecogError, LookupError):
    def __init__(self, alert_id: int, environment: str) -> None:
        super().__init__(
            f"alert_id: there is no alert {alert_id} in environment {environment}; "
            f"`precog alerts list --all` shows the ids, --environment another environment"
        )
        self.alert_id = alert_id


class UnknownDelivery(PrecogError, LookupError):
    def __init__(self, beginning: str, environment: str, *, several: bool = False) -> None:
        super().__init__(
            f"several deliveries begin with {beginning!r}: give more of the id"
            if several
            else f"there is no delivery {beginning!r} in environment {environment}; `precog deliveries list --all` "
            f"shows the ids, --environment another environment"
        )


class IdempotencyConflict(PrecogError, ValueError):
    def __init__(self, key: str, alert_id: int) -> None:
        super().__init__(
            f"idempotency_key: {key!r} was already used for alert {alert_id} with another content; "
            f"the first alert stands unchanged; use a new key for a new alert"
        )
        self.alert_id = alert_id


class Problem(NamedTuple):
    """One thing wrong with the configuration or with a trading method."""

    place: str
    """Where: file, line and key path, the environment variable, or the argument."""
    text: str
    """What is wrong, what is allowed, what to do."""


class ConfigError(PrecogError):
    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(_listed(self.problems, "in the configuration"))


class OrdersBlocked(PrecogError):
    """Orders that raise risk may not be placed now: an alert of these scopes was not released, or nobody can say."""

    def __init__(
        self, scopes: Sequence[str], reasons: Sequence[str], *, alert_ids: Sequence[int], next_steps: Sequence[str]
    ) -> None:
        steps = "".join(f"; {each}" for each in next_steps)
        super().__init__(f"orders on {', '.join(scopes)} are blocked: {'; '.join(reasons)}{steps}")
        self.scopes = tuple(scopes)
        self.alert_ids = tuple(alert_ids)
        """The alerts that block; none where nobody can say whether any does."""


class NotBlocking(PrecogError, LookupError):
    def __init__(self, alert_id: int) -> None:
        super().__init__(
            f"alert_id: no alert of the incident of {alert_id} ever blocked orders; "
            f"`precog interlock status` shows those that do"
        )
        self.alert_id = alert_id


class ReleaseRefused(PrecogError):
    def __init__(self, reason: str, next_step: str | None) -> None:
        super().__init__(f"{reason}; {next_step}" if next_step else reason)


class UnknownMethod(PrecogError, LookupError):
    def __init__(self, reference: str, hint: str = "") -> None:
        super().__init__(f"there is no method {reference}{hint}; `precog methods list --all` shows those there are")


class MethodInvalid(PrecogError, ValueError):
    """What was given makes no method. Nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(_listed(self.problems, "with the method"))


class MethodRefused(PrecogError):
    """A rule that the database holds about methods: a move that is not legal yet, a version that is there already."""


class UnknownBreaker(PrecogError, LookupError):
    def __init__(self, event_id: int) -> None:
        super().__init__(f"there is no breaker event {event_id}; `precog breakers list --all` shows those there are")


class RowInvalid(PrecogError, ValueError):
    """What was given makes no row of the trading side. Nothing was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(_listed(self.problems, "with the row"))


class RowRefused(PrecogError):
    """A rule that the database holds about trading rows: a value out of range, a market nobody registered."""


def _listed(problems: Sequence[Problem], where: str) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} {where}"
    return "\n".join([count + ":", *(f"  {place}: {text}" for place, text in problems)])


class StoreError(PrecogError):
    """PostgreSQL did not do what was asked. Where that was to store an alert, the error says what became of it."""

    alert_uuid: str | None = None
    """The identity of the alert; None where something else was asked."""
    journaled: bool = False
    """Whether the alert is safe in this machine's journal: it is stored when PostgreSQL can be used again, once, even
    if this try was committed. Repeating the call is needless; with the same `idempotency_key` it is harmless."""

    sent: tuple[str, ...] = ()
    """The channels that took the alert directly from this process, since PostgreSQL did not take it. They are not used
    again for it when it is stored."""

    def of_alert(self, alert_uuid: str, *, journaled: bool, sent: tuple[str, ...] = ()) -> None:
        self.alert_uuid, self.journaled, self.sent = alert_uuid, journaled, sent

    def __str__(self) -> str:
        return f"{super().__str__()}{self._fate()}"

    def _fate(self) -> str:
        if self.alert_uuid is None:
            return ""
        told = f"; it was sent directly over {', '.join(self.sent)}" if self.sent else ""
        if self.journaled:
            return f"; alert {self.alert_uuid} is in the journal and is stored when PostgreSQL can take it{told}"
        return f"; alert {self.alert_uuid} may be lost: repeat the call, with an idempotency_key if it had one{told}"


class AlertStoreUnavailable(StoreError):
    """PostgreSQL was not reached or gave no certain answer before the deadline."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"PostgreSQL did not answer: {reason}; `precog doctor` looks for the cause")
        self.reason = reason


class StoreBusy(StoreError):
    def __init__(self, waited: float, size: int) -> None:
        super().__init__(
            f"all {size} database connections stayed in use for {waited:.1f} s; "
            f"raise the pool's size or look for a transaction that is held open"
        )


class SchemaMismatch(StoreError):
    pass


class MigrationFailed(StoreError):
    pass


class JournalError(PrecogError):
    """Nothing is lost of what the journal held before."""


class LocalStackError(PrecogError):
    pass


class SmsLimitReached(PrecogError):
    def __init__(self, frees_at: datetime) -> None:
        super().__init__(f"the SMS limit is reached; the next SMS may go at {frees_at.isoformat(timespec='seconds')}")
        self.frees_at = frees_at


class SendFailure(PrecogError):
    """A message was not accepted.

    `code` is the provider's own (an SMTP reply, an HTTP status, a Twilio code) or one short word of ours.
    """

    def __init__(self, reason: str, *, code: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class PermanentFailure(SendFailure):
    pass


class TransientFailure(SendFailure):
    def __init__(self, reason: str, *, code: str, retry_after: float | None = None) -> None:
        super().__init__(reason, code=code)
        self.retry_after = retry_after
        """Seconds the provider asked us to wait, or None where it named none."""


class RateLimited(TransientFailure):
    pass


class UnknownOutcome(SendFailure):
    pass


class ChannelMisconfigured(SendFailure):
    pass
