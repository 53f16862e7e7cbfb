"""Where the files that come with Precog lie: SQL, YAML and the Celery settings."""

from functools import lru_cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@lru_cache
def resource(name: str) -> Path:
    """The path of `database/migrations`, `database/queries`, `config` or `celeryconfig.py`.

    A wheel carries them inside the package; a checkout has them at its top level. They are found by path and never by
    import, because the program that uses Precog has a `config` and a `database` of its own.
    """
    inside = _PACKAGE / "shipped" / name
    return inside if inside.exists() else _PACKAGE.parent / name
