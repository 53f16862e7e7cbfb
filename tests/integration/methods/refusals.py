"""What several files of tests about the rules share: a raw insert, and how a refusal is expected."""

import contextlib
from collections.abc import Iterator

import pytest
from psycopg2 import errors as pg

INSERT = (
    "INSERT INTO methods (method_name, method_version, strategy_id, model_id, position_mgmt_config, risk_config,"
    " execution_config, sport_config{columns}) VALUES ('raw', 'v1.0', 1, 1, '{{}}', '{{}}', '{{}}', '{{}}'{values})"
)


@contextlib.contextmanager
def refused(words: str, constraint: str | None = None) -> Iterator[None]:
    """A rule of the schema refuses, in these words, and by this name."""
    with pytest.raises((pg.RestrictViolation, pg.CheckViolation), match=words) as refusal:
        yield
    if constraint:
        assert refusal.value.diag.constraint_name == constraint
