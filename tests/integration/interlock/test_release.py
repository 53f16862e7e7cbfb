"""Only a release lets orders go on: by whom it may, for what it names, once, and for good on record."""

import contextlib
import uuid
from collections.abc import Callable, Iterator

import psycopg2
import psycopg2.extensions
import pytest
from psycopg2 import errors

import precog
from precog import interlock
from precog.domain.alerts import Environment, Severity
from precog.errors import AlertTypeError, AlertValueError, NotBlocking, ReleaseRefused, UnknownAlert
from precog.store import interlock as store
from precog.store import retention
from precog.store.pool import close_default_pool
from precog.store.retention import Removed
from tests.integration.interlock.questions import known

pytestmark = pytest.mark.integration

DEMO = Environment.DEMO
Raise = Callable[..., int]
Cursor = psycopg2.extensions.cursor


def _blocking(*scopes: str) -> list[int]:
    return [each.alert_id for each in known(*(scopes or ("platform:kalshi",))).blocks]


def test_acknowledging_and_resolving_unblock_nothing(loss: Raise) -> None:
    alert_id = loss()
    precog.acknowledge_alert(alert_id, "ann")
    assert known("platform:kalshi").blocks[0].acknowledged_by == "ann"
    precog.resolve_alert(alert_id, "ann", "fixed")
    assert known("platform:kalshi").blocks[0].resolved_by == "ann"


@pytest.mark.parametrize("resolved", [False, True])
def test_a_release_unblocks_whether_the_alert_is_resolved_or_not(loss: Raise, *, resolved: bool) -> None:
    alert_id = loss()
    if resolved:
        precog.resolve_alert(alert_id, "ann", "fixed")
    [release] = interlock.release(alert_id, actor="ann", reason="limit raised").made
    assert not known("platform:kalshi")
    assert (release.alert_id, release.actor, release.reason) == (alert_id, "ann", "limit raised")
    assert str(release.scope) == "platform:kalshi"


def test_the_database_itself_notes_who_was_logged_in(loss: Raise, db_cursor: Cursor, program_url: str) -> None:
    interlock.release(loss(), actor="somebody else", reason="seen")
    login = psycopg2.extensions.parse_dsn(program_url)["user"]
    db_cursor.execute("SELECT role_name = %s, released_at <= clock_timestamp() FROM interlock_releases", (login,))
    assert db_cursor.fetchone() == (True, True)


def test_what_a_release_says_of_itself_cannot_be_given(loss: Raise, db_cursor: Cursor) -> None:
    alert_id = loss()
    db_cursor.execute(
        "INSERT INTO interlock_releases"
        " (block_id, actor, reason, role_name, environment, scope, incident_id, released_at)"
        " SELECT block_id, 'ann', 'by hand', 'pope', 'prod', 'all', 0, 'epoch' FROM interlock_blocks"
        " RETURNING role_name = session_user, environment, scope, incident_id, released_at > now() - interval '1 min'"
    )
    assert db_cursor.fetchone() == (True, "demo", "platform:kalshi", alert_id, True)


def test_released_twice_is_released_once(loss: Raise) -> None:
    alert_id = loss()
    first = interlock.release(alert_id, actor="ann", reason="seen")
    again = interlock.release(alert_id, actor="bob", reason="me too")
    assert (again.made, again.before) == ((), first.made)


def test_a_release_is_for_one_incident(loss: Raise) -> None:
    first = loss()
    interlock.release(first, actor="ann", reason="seen")
    precog.resolve_alert(first, "ann", "fixed")
    second = loss()
    assert _blocking() == [second], "the same fingerprint, another incident"


def test_a_release_is_for_one_incident_of_many(loss: Raise) -> None:
    first, other = loss(250, "kalshi"), loss(250, "polymarket")
    interlock.release(first, actor="ann", reason="seen")
    assert _blocking("platform:kalshi", "platform:polymarket") == [other]


def test_a_duplicate_after_the_release_blocks_nothing(loss: Raise) -> None:
    interlock.release(loss(250), actor="ann", reason="seen")
    loss(260)
    assert not known("platform:kalshi")


def test_a_worsening_after_the_release_blocks_again(loss: Raise) -> None:
    first = loss(250)
    interlock.release(first, actor="ann", reason="seen")
    worse = loss(450)
    assert _blocking() == [worse]
    interlock.release(worse, actor="ann", reason="seen as well")
    assert not known("platform:kalshi")


def test_a_reminder_after_the_release_blocks_again(loss: Raise, db_cursor: Cursor) -> None:
    """What tells a person again is news: here because the notice before reached nobody."""
    first = loss(250)
    interlock.release(first, actor="ann", reason="seen")
    db_cursor.execute(
        "UPDATE alert_deliveries SET status = 'failed', error_code = 'x', finished_at = clock_timestamp()"
    )
    again = loss(250)
    assert precog.get_unresolved_alerts()[0]["incident_id"] == first
    assert _blocking() == [again]


def test_a_release_covers_what_came_before_the_alert_it_names_and_nothing_later(loss: Raise) -> None:
    first, worse, worst = loss(250), loss(450), loss(850)
    done = interlock.release(worse, actor="ann", reason="seen up to here")
    assert {each.alert_id for each in done.made} == {first, worse}
    assert [each.alert_id for each in done.standing] == [worst]
    assert _blocking() == [worst]


def test_a_duplicate_names_what_stood_when_it_came(loss: Raise) -> None:
    loss(250)
    again = loss(250)
    interlock.release(again, actor="ann", reason="seen")
    assert not known("platform:kalshi")


def test_a_block_that_was_not_committed_when_the_release_was_stands(loss: Raise, database_url: str) -> None:
    with contextlib.closing(psycopg2.connect(database_url)) as slow:
        late = loss(450, connection=slow)
        interlock.release(loss(250), actor="ann", reason="seen")
        slow.commit()
    assert _blocking() == [late], "its number is the lower one, and nobody had seen it"


def test_an_alert_that_never_blocked_cannot_be_released(rules: None) -> None:
    harmless = precog.log_alert("gain_alert", "low", "risk", "nice")
    with pytest.raises(NotBlocking, match="interlock status"):
        interlock.release(harmless, actor="ann", reason="seen")
    with pytest.raises(UnknownAlert):
        interlock.release(harmless + 1, actor="ann", reason="seen")


def test_a_release_of_another_environment_does_not_reach_this_one(loss: Raise) -> None:
    with pytest.raises(UnknownAlert):
        interlock.release(loss(), actor="ann", reason="seen", environment="prod")
    assert known("platform:kalshi")


@pytest.mark.parametrize(("actor", "reason"), [("ann", " "), ("", "seen"), ("ann", "")])
def test_a_release_has_an_actor_and_a_reason(loss: Raise, actor: str, reason: str) -> None:
    alert_id = loss()
    with pytest.raises(AlertValueError):
        interlock.release(alert_id, actor=actor, reason=reason)
    with pytest.raises(AlertTypeError):
        interlock.release("7", actor="ann", reason="seen")  # type: ignore[arg-type]
    assert known("platform:kalshi")


# Who may ------------------------------------------------------------------------------------------------------------


PERSON, DESK = (f"precog_test_{kind}_{uuid.uuid4().hex[:8]}" for kind in ("person", "desk"))
"""Roles are the whole server's, which may be somebody's own."""


@pytest.fixture
def person(db_cursor: Cursor) -> Iterator[str]:
    """A role with every right on the tables, and one that it is no member of."""
    db_cursor.execute(
        f"CREATE ROLE {PERSON} LOGIN PASSWORD 'x'; CREATE ROLE {DESK};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {PERSON}, {DESK};"
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {PERSON}, {DESK}"
    )
    try:
        yield PERSON
    finally:
        close_default_pool()
        db_cursor.execute(f"DROP OWNED BY {PERSON}, {DESK}; DROP ROLE {PERSON}, {DESK}")


@pytest.fixture
def as_person(person: str, database_url: str, precog_env: pytest.MonkeyPatch) -> Callable[[], None]:
    def log_in() -> None:
        made = psycopg2.extensions.make_dsn(database_url, user=person, password="x")
        precog_env.setenv("DATABASE_URL", str(made))
        close_default_pool()

    return log_in


def test_a_role_that_is_no_releaser_is_refused_by_the_database(
    loss: Raise, only: Callable[..., None], as_person: Callable[[], None]
) -> None:
    alert_id = loss()
    only(releasers=("risk_officer",), rapid_loss=("platform", "platform_id"))
    as_person()
    with pytest.raises(ReleaseRefused, match=rf"{PERSON} may not release.*interlock\.releasers"):
        interlock.release(alert_id, actor="risk_officer", reason="I say so")
    assert known("platform:kalshi")


@pytest.mark.parametrize("releasers", [(PERSON,), ("public",), ("nobody", PERSON)])
def test_a_role_that_is_one_is_noted(
    loss: Raise, only: Callable[..., None], as_person: Callable[[], None], releasers: tuple[str, ...]
) -> None:
    alert_id = loss()
    only(releasers=releasers, rapid_loss=("platform", "platform_id"))
    as_person()
    [release] = interlock.release(alert_id, actor="Ann", reason="seen").made
    assert (release.actor, release.role_name) == ("Ann", PERSON)


def test_a_member_of_a_role_that_may_release_may(
    loss: Raise, only: Callable[..., None], as_person: Callable[[], None], db_cursor: Cursor
) -> None:
    alert_id = loss()
    only(releasers=(DESK,), rapid_loss=("platform", "platform_id"))
    as_person()
    with pytest.raises(ReleaseRefused):
        interlock.release(alert_id, actor="Ann", reason="seen")
    db_cursor.execute(f"GRANT {DESK} TO {PERSON}")
    assert interlock.release(alert_id, actor="Ann", reason="seen").made


def test_becoming_another_role_within_a_session_changes_nothing(
    loss: Raise, only: Callable[..., None], person: str, database_url: str, db_cursor: Cursor
) -> None:
    loss()
    only(releasers=(DESK,), rapid_loss=("platform", "platform_id"))
    with contextlib.closing(psycopg2.connect(database_url)) as own, own, own.cursor() as cursor:
        cursor.execute(f"SET ROLE {DESK}")
        with pytest.raises(errors.InsufficientPrivilege, match="may not release"):
            cursor.execute(
                "INSERT INTO interlock_releases (block_id, actor, reason)"
                " SELECT block_id, 'x', 'y' FROM interlock_blocks"
            )


def test_a_role_without_the_grant_is_refused(loss: Raise, as_person: Callable[[], None], db_cursor: Cursor) -> None:
    alert_id = loss()
    db_cursor.execute(f"REVOKE INSERT ON interlock_releases FROM {PERSON}")
    as_person()
    with pytest.raises(ReleaseRefused, match="permission denied"):
        interlock.release(alert_id, actor="Ann", reason="seen")


def test_who_may_only_log_alerts_blocks_with_them_and_can_write_no_block(
    loss: Raise, as_person: Callable[[], None], db_cursor: Cursor, database_url: str
) -> None:
    for table in ("blocks", "releases", "rules", "releasers"):
        db_cursor.execute(f"REVOKE ALL ON interlock_{table} FROM {PERSON}")
    as_person()
    loss()
    assert _blocking() != []


# On record ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE interlock_releases SET reason = 'another'",
        "DELETE FROM interlock_releases",
        "TRUNCATE interlock_releases, interlock_blocks",
        "UPDATE interlock_blocks SET scope = 'market:x'",
        "UPDATE interlock_blocks SET release_id = NULL",
        "DELETE FROM interlock_blocks",
        "BEGIN; SET LOCAL precog.retention = 'on'; TRUNCATE interlock_releases, interlock_blocks",
        "BEGIN; SET LOCAL precog.retention = 'on'; DELETE FROM interlock_blocks WHERE release_id IS NULL",
    ],
)
def test_blocks_and_releases_never_change(loss: Raise, db_cursor: Cursor, statement: str) -> None:
    interlock.release(loss(250, "kalshi"), actor="ann", reason="seen")
    loss(250, "polymarket")
    with pytest.raises(errors.RestrictViolation):
        db_cursor.execute(statement)
    db_cursor.execute("ROLLBACK")


@pytest.mark.parametrize("release_id", ["1", "999"])
def test_a_block_cannot_be_ended_without_a_release_of_its_own(loss: Raise, db_cursor: Cursor, release_id: str) -> None:
    interlock.release(loss(250, "kalshi"), actor="ann", reason="seen")
    loss(250, "polymarket")
    with pytest.raises(errors.ForeignKeyViolation):
        db_cursor.execute(f"UPDATE interlock_blocks SET release_id = {release_id} WHERE release_id IS NULL")
    assert known("platform:polymarket")


def test_retention_removes_what_was_released_with_its_release_and_never_what_blocks(
    loss: Raise, db_cursor: Cursor
) -> None:
    released, standing = loss(250, "kalshi"), loss(250, "polymarket")
    for alert_id in (released, standing):
        precog.resolve_alert(alert_id, "ann", "fixed")
    interlock.release(released, actor="ann", reason="seen")
    db_cursor.execute("UPDATE alerts SET resolved_at = clock_timestamp() - interval '9 years'")
    assert retention.remove(DEMO, Severity.CRITICAL, dict.fromkeys(Severity, 1)) == Removed(incidents=1, alerts=1)
    assert store.releases(DEMO, most=10) == ()
    assert _blocking("platform:polymarket") == [standing]
