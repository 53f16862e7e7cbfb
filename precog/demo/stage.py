"""What the processes of the demo are given: a configuration, an environment, a schema and routes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any

import yaml

from precog.channels.registry import KINDS
from precog.demo.borrowed import Borrowed
from precog.demo.outside import Outside
from precog.domain.routes import Route
from precog.resources import resource
from precog.settings.load import FILES, load_settings
from precog.settings.routes import planned_routes
from precog.settings.source import read_source
from precog.store import channels, interlock
from precog.store.logins import provide_login
from precog.store.migrate import migrate
from precog.store.pool import close_default_pool

_ROUTING = {
    "critical": ["console", "file", "email", "sms", "slack", "webhook"],
    "high": ["console", "file", "email", "sms", "slack"],
    "medium": ["console", "file", "email"],
    "low": ["file"],
}
_SMS_LIMITS = {"per_hour": 5, "per_day": 20, "reserved_for_critical": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    environment: Mapping[str, str] = field(repr=False)
    """The whole environment of each process."""
    migrations: int
    routes: frozenset[Route]


@contextmanager
def stage(directory: Path, where: Borrowed, outside: Outside) -> Iterator[Stage]:
    """The schema, the routes and the interlock in place, and this process ready to call `log_alert()` inside."""
    configuration = _configuration(directory, outside)
    environment = {
        **_without_channels(os.environ),
        **outside.variables(),
        "DATABASE_URL": where.database_url,
        "REDIS_URL": where.redis_url,
        "PRECOG_REDIS_PREFIX": where.redis_prefix,
        "PRECOG_ENVIRONMENT": "demo",
        "PRECOG_CONFIG_DIR": str(configuration),
        "PRECOG_JOURNAL_DIR": str(directory / "journal"),  # what waits on this machine is for another database
    }
    with _as_this_process(environment):
        applied = migrate(where.owner_url)
        if where.owner_url != where.database_url:
            provide_login(where.owner_url, where.database_url)
        settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
        routes = frozenset(planned_routes(settings, KINDS))
        channels.write_routes(settings.environment, routes)
        os.environ["PRECOG_OWNER_URL"] = where.owner_url
        interlock.write_rules(settings.environment, settings.trading.interlock.rules())
        del os.environ["PRECOG_OWNER_URL"]  # the rest is done as programs do it
        yield Stage(environment=environment, migrations=len(applied), routes=routes)


def _configuration(directory: Path, outside: Outside) -> Path:
    """The shipped files, with everything that is written kept in `directory`, and quick retries.

    Routing and limits are what the story counts on, whatever the shipped ones were changed to.
    """
    configuration = directory / "config"
    copytree(resource("config"), configuration, ignore=lambda _, names: {each for each in names if "yaml" not in each})
    file = configuration / "system.yaml"
    system: Any = yaml.safe_load(file.read_text())
    system["logging"]["file"] = str(directory / "log" / "precog.jsonl")
    system["notifications"]["file"]["path"] = str(outside.alert_file)
    system["notifications"]["sms"]["limits"] = _SMS_LIMITS
    system["delivery"]["backoff"] = {"base_seconds": 1, "cap_seconds": 5}
    system["alert_routing"] = _ROUTING
    file.write_text(yaml.safe_dump(system))
    return configuration


def _without_channels(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what the configuration reads: the demo must never send to the people of the real configuration."""
    sources = (read_source(resource("config") / name, {}) for name in FILES.values())
    read = {variable for source in sources for variable in source.variables.values()}
    return {name: value for name, value in environment.items() if name not in read and not name.startswith("PRECOG_")}


@contextmanager
def _as_this_process(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        close_default_pool()
        os.environ.clear()
        os.environ.update(before)
