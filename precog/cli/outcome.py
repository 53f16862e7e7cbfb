"""How a command ends: an exit status for a script, and one line on standard error for a person."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from precog.cli.stderr import say_error
from precog.errors import (
    AlertStoreUnavailable,
    AlertTypeError,
    AlertValueError,
    ConfigError,
    MethodInvalid,
    NotBlocking,
    PrecogError,
    SchemaMismatch,
    StoreBusy,
    UnknownAlert,
    UnknownBreaker,
    UnknownDelivery,
    UnknownMethod,
)


class Exit(IntEnum):
    DONE = 0
    NOT_WELL = 1
    """It failed, or what was asked about is not well."""
    USAGE = 2
    STORE_AWAY = 3
    """PostgreSQL is away, or its schema is not the one of this program."""
    UNKNOWN_ID = 4
    ONLY_WARNINGS = 5
    """Of `precog doctor`: nothing is broken, something deserves a look."""


@contextmanager
def errors_told(*, with_traceback: bool) -> Iterator[None]:
    """An error that Precog raised on purpose becomes its line on standard error and its exit status."""
    try:
        yield
    except PrecogError as error:
        if with_traceback:
            traceback.print_exception(error)
        say_error(words(error))
        raise typer.Exit(status(error)) from error


def status(error: PrecogError) -> Exit:
    match error:
        case AlertValueError() | AlertTypeError() | MethodInvalid():
            return Exit.USAGE
        case AlertStoreUnavailable() | StoreBusy() | SchemaMismatch():
            return Exit.STORE_AWAY
        case UnknownAlert() | UnknownDelivery() | NotBlocking() | UnknownMethod() | UnknownBreaker():
            return Exit.UNKNOWN_ID
        case _:
            return Exit.NOT_WELL


def words(error: PrecogError) -> str:
    """What it says; a single problem of the configuration or a method without the line that counts it."""
    if isinstance(error, ConfigError | MethodInvalid) and len(error.problems) == 1:
        return f"{error.problems[0].place}: {error.problems[0].text}"
    return str(error)
