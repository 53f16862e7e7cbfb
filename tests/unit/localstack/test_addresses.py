import pytest

from precog.localstack.postgres import at_database
from precog.localstack.up import without_password

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("postgresql://u:p@h:5432/d", "postgresql://u:p@h:5432/other"),
        ("postgresql://u:p@h:5432", "postgresql://u:p@h:5432/other"),
        (
            "postgresql://u@h/d?sslmode=require&connect_timeout=1",
            "postgresql://u@h/other?sslmode=require&connect_timeout=1",
        ),
        ("postgres:///d?host=/run/postgresql", "postgres:///other?host=/run/postgresql"),
        ("host=h user=u dbname=d", "host=h user=u dbname=other"),
    ],
)
def test_another_database_of_the_same_server(url: str, other: str) -> None:
    assert sorted(at_database(url, "other").split()) == sorted(other.split())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/d?password=secret", "postgresql://u@h:5432/d"),
        ("redis://:secret@h:6379/0", "redis://h:6379/0"),
        ("rediss://u:secret@h/1?ssl_cert_reqs=required", "rediss://u@h/1"),
        ("host=h password=secret dbname=d user=u", "host=h dbname=d user=u"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert sorted(without_password(url).split()) == sorted(shown.split())
