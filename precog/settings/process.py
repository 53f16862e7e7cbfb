"""What a process reads from its environment. No other module of precog looks at `os.environ`."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from precog.domain.alerts import Environment
from precog.domain.nearest import did_you_mean
from precog.errors import ConfigError, Problem
from precog.resources import resource

Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """All that a process needs which only calls `log_alert()`."""

    environment: Environment
    database_url: SecretStr
    redis_url: SecretStr
    config_dir: Path
    journal_dir: Path


def process_settings(environ: Environ | None = None) -> ProcessSettings:
    """Raises one ConfigError for every variable that is missing or wrong."""
    problems: list[Problem] = []
    for read in (environment, database_url, redis_url, redis_prefix, config_directory, journal_directory):
        try:
            read(environ)
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return ProcessSettings(
        environment=environment(environ),
        database_url=SecretStr(database_url(environ)),
        redis_url=SecretStr(redis_url(environ)),
        config_dir=config_directory(environ),
        journal_dir=journal_directory(environ),
    )


def current_environ(environ: Environ | None = None) -> Environ:
    return os.environ if environ is None else environ


def environment(environ: Environ | None = None) -> Environment:
    """PRECOG_ENVIRONMENT, demo where it is unset, so that production is always somebody's explicit wish."""
    name = _value("PRECOG_ENVIRONMENT", environ) or Environment.DEMO.value
    try:
        return Environment(name)
    except ValueError:
        hint = did_you_mean(name, Environment)
        raise _wrong("PRECOG_ENVIRONMENT", f"{name!r} is not demo or prod{hint}") from None


def database_url(environ: Environ | None = None) -> str:
    """DATABASE_URL: a postgresql:// URL, or libpq's `host=... dbname=...`. It may hold a password: never print it."""
    url = _postgres_url("DATABASE_URL", _value("DATABASE_URL", environ))
    if not url:
        raise _wrong(
            "DATABASE_URL",
            f"is not set; for example {_POSTGRES_EXAMPLE}; `precog up` starts a server and prints its URL",
        )
    return url


def owner_url(environ: Environ | None = None) -> str:
    """PRECOG_OWNER_URL: the same database by the owner of its schema, for what no program may do: migrate, prune.

    DATABASE_URL where it is unset.
    """
    return _postgres_url("PRECOG_OWNER_URL", _value("PRECOG_OWNER_URL", environ)) or database_url(environ)


_POSTGRES_EXAMPLE = "postgresql://precog@localhost:5432/precog"


def _postgres_url(variable: str, url: str) -> str:
    scheme, separator, _ = url.partition("://")
    if url and ((separator and scheme not in {"postgresql", "postgres"}) or (not separator and "=" not in url)):
        raise _wrong(variable, f"is not a PostgreSQL URL; for example {_POSTGRES_EXAMPLE}")
    return url


def redis_url(environ: Environ | None = None) -> str:
    """REDIS_URL: redis:// or rediss://, which Celery and the limiter both understand. It may hold a password."""
    return _checked_redis_url(_value("REDIS_URL", environ))


@lru_cache(maxsize=8)
def _checked_redis_url(url: str) -> str:
    example = "redis://localhost:6379/0"
    if not url:
        raise _wrong("REDIS_URL", f"is not set; for example {example}; `precog up` starts a server and prints its URL")
    if not url.startswith(("redis://", "rediss://")):
        raise _wrong("REDIS_URL", f"begins with neither redis:// nor rediss:// (with TLS); for example {example}")
    try:
        _ = urlsplit(url).port
    except ValueError:  # whose text repeats what it took for the port, perhaps a part of the password
        raise _wrong(
            "REDIS_URL",
            f"cannot be read: write a password's % / @ : ? # as %25 %2F %40 %3A %3F %23; for example {example}",
        ) from None
    return url


def redis_prefix(environ: Environ | None = None) -> str:
    """PRECOG_REDIS_PREFIX: what every Redis key begins with, so that two installations can share one Redis."""
    return _checked_redis_prefix(_value("PRECOG_REDIS_PREFIX", environ) or "precog")


@lru_cache(maxsize=8)
def _checked_redis_prefix(prefix: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,100}", prefix):
        raise _wrong("PRECOG_REDIS_PREFIX", f"{prefix!r} is not made of up to 100 letters, digits and any of . _ : -")
    return prefix


def config_directory(environ: Environ | None = None) -> Path:
    """Where the YAML files are: PRECOG_CONFIG_DIR, else those that come with Precog."""
    named = _value("PRECOG_CONFIG_DIR", environ)
    if not named:
        return resource("config")
    directory = Path(named)
    if not directory.is_dir():
        raise _wrong(
            "PRECOG_CONFIG_DIR",
            f"{named} is not a directory; unset it to use the shipped files, or copy those from {resource('config')}",
        )
    return directory


def journal_directory(environ: Environ | None = None) -> Path:
    """Where alerts wait while PostgreSQL is away: PRECOG_JOURNAL_DIR, else ~/.local/state/precog. It need not exist.

    One directory for all programs and workers of an installation on this machine: each stores what any of them left.
    """
    named = _value("PRECOG_JOURNAL_DIR", environ)
    if named:
        if not Path(named).is_absolute():
            raise _wrong(
                "PRECOG_JOURNAL_DIR", f"{named!r} does not begin with /, so that every program would mean another"
            )
        return Path(named)
    try:
        return Path.home() / ".local/state/precog"
    except RuntimeError:
        raise _wrong(
            "PRECOG_JOURNAL_DIR", "is not set and this account has no home; name a directory of its own"
        ) from None


def _value(name: str, environ: Environ | None) -> str:
    return current_environ(environ).get(name, "").strip()


def _wrong(variable: str, text: str) -> ConfigError:
    return ConfigError([Problem(variable, text)])
