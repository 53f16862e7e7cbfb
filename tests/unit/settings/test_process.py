"""What a process reads from its environment."""

from pathlib import Path
from traceback import format_exception

import pytest

from precog.domain.alerts import Environment
from precog.errors import ConfigError
from precog.resources import resource
from precog.settings.process import (
    config_directory,
    current_environ,
    database_url,
    environment,
    journal_directory,
    process_settings,
    redis_prefix,
    redis_url,
)

pytestmark = pytest.mark.unit

GIVEN = {"DATABASE_URL": "postgresql://precog:s3cret@db/precog", "REDIS_URL": "rediss://:s3cret@redis:6379/0"}


def test_a_process_needs_only_the_two_servers() -> None:
    settings = process_settings(GIVEN)
    assert settings.database_url.get_secret_value() == GIVEN["DATABASE_URL"]
    assert settings.redis_url.get_secret_value() == GIVEN["REDIS_URL"]
    assert settings.environment is Environment.DEMO
    assert settings.config_dir == resource("config")


def test_passwords_in_the_urls_are_never_printed() -> None:
    assert "s3cret" not in repr(process_settings(GIVEN))


def test_everything_missing_is_said_at_once_with_an_example() -> None:
    with pytest.raises(ConfigError) as caught:
        process_settings({"PRECOG_ENVIRONMENT": "production"})
    places = [problem.place for problem in caught.value.problems]
    assert places == ["PRECOG_ENVIRONMENT", "DATABASE_URL", "REDIS_URL"]
    assert "postgresql://precog@localhost:5432/precog" in str(caught.value)


def test_blank_counts_as_unset() -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL: is not set"):
        database_url({"DATABASE_URL": "  "})
    assert environment({"PRECOG_ENVIRONMENT": ""}) is Environment.DEMO


@pytest.mark.parametrize(("name", "meant"), [("PROD", "prod"), ("prdo", "prod"), ("dmeo", "demo")])
def test_an_environment_that_is_nearly_right_is_still_refused(name: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"is not demo or prod; did you mean '{meant}'"):
        environment({"PRECOG_ENVIRONMENT": name})


@pytest.mark.parametrize("url", ["redis://h/0", "mysql://u:s3cret@h/x", "db.example.com"])
def test_another_database_is_refused_without_repeating_its_url(url: str) -> None:
    with pytest.raises(ConfigError, match="not a PostgreSQL URL") as caught:
        database_url({"DATABASE_URL": url})
    assert url not in str(caught.value)


@pytest.mark.parametrize("url", ["postgres://h/x", "postgresql:///x?host=/tmp", "host=/tmp dbname=x"])
def test_every_form_that_libpq_reads_is_taken(url: str) -> None:
    assert database_url({"DATABASE_URL": url}) == url


def test_a_redis_url_that_only_half_of_us_understands_is_refused() -> None:
    with pytest.raises(ConfigError, match="neither redis:// nor rediss://"):
        redis_url({"REDIS_URL": "unix:///tmp/redis.sock"})


def test_another_directory_of_files_must_exist(tmp_path: Path) -> None:
    assert config_directory({"PRECOG_CONFIG_DIR": str(tmp_path)}) == tmp_path
    with pytest.raises(ConfigError, match="is not a directory; unset it to use the shipped files"):
        config_directory({"PRECOG_CONFIG_DIR": str(tmp_path / "none")})


def test_the_real_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECOG_ENVIRONMENT", "prod")
    assert environment() is Environment.PROD
    assert current_environ()["PRECOG_ENVIRONMENT"] == "prod"


def test_installations_that_share_one_redis_can_each_have_their_own_keys() -> None:
    assert redis_prefix({}) == "precog"
    assert redis_prefix({"PRECOG_REDIS_PREFIX": "precog:night-desk"}) == "precog:night-desk"


def test_a_prefix_that_redis_patterns_would_read_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"PRECOG_REDIS_PREFIX: 'precog\*' is not made of"):
        process_settings({**GIVEN, "PRECOG_REDIS_PREFIX": "precog*"})


def test_the_journal_is_in_the_home_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert journal_directory({}) == tmp_path / ".local/state/precog"
    assert journal_directory({"PRECOG_JOURNAL_DIR": "/srv/precog"}) == Path("/srv/precog")


def test_a_journal_that_each_program_would_look_for_elsewhere_is_refused() -> None:
    with pytest.raises(ConfigError, match="PRECOG_JOURNAL_DIR: 'journal' does not begin with /"):
        process_settings({**GIVEN, "PRECOG_JOURNAL_DIR": "journal"})


@pytest.mark.parametrize("url", ["redis://:planted/secret@localhost:6379/0"])
def test_a_redis_url_that_cannot_be_read_is_refused_without_a_word_of_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"REDIS_URL: cannot be read.*%2F") as refused:
        redis_url({"REDIS_URL": url})
    assert "planted" not in "".join(format_exception(refused.value))
