"""Whatever a file holds, the answer is settings or a ConfigError."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from precog.channels.registry import KINDS
from precog.errors import ConfigError
from precog.resources import resource
from precog.settings.load import FILES, load_rules, load_settings

pytestmark = pytest.mark.unit

CHANNELS = {name: kind.settings for name, kind in KINDS.items()}
SHIPPED = {name: (resource("config") / name).read_text() for name in FILES.values()}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


def _load(directory: Path, replaced: str, content: bytes) -> None:
    for name, text in SHIPPED.items():
        (directory / name).write_text(text)
    (directory / replaced).write_bytes(content)
    environ = {"PRECOG_CONFIG_DIR": str(directory), "A": "1"}
    with suppress(ConfigError):
        load_settings(channels=CHANNELS, environ=environ)
    with suppress(ConfigError):
        load_rules(environ)


files = st.sampled_from(sorted(SHIPPED))


@given(name=files, content=st.text().map(str.encode) | st.binary())
@settings(deadline=None, max_examples=60)
def test_any_text_is_settings_or_a_config_error(directory: Path, name: str, content: bytes) -> None:
    _load(directory, name, content)


def _shipped_keys() -> list[str]:
    found: set[str] = set()

    def collect(value: object) -> None:
        for key, inner in value.items() if isinstance(value, dict) else ():
            found.add(key)
            collect(inner)

    for text in SHIPPED.values():
        collect(yaml.safe_load(text))
    return sorted(found)


_keys = st.sampled_from([*_shipped_keys(), "a_env", "unknown", "<<", "1"])
_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["A", "${A}", "file", "critical", "2.5"])
)
_trees = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5), max_leaves=15
)


@given(name=files, path=st.lists(st.integers(0, 30), max_size=4), tree=_trees)
@settings(deadline=None, max_examples=150)
def test_a_shipped_file_with_any_part_replaced_is_settings_or_a_config_error(
    directory: Path, name: str, path: list[int], tree: object
) -> None:
    document = yaml.safe_load(SHIPPED[name])
    place = document
    for step in path:
        keys = sorted(key for key, value in place.items() if isinstance(value, dict))
        if not keys:
            break
        place = place[keys[step % len(keys)]]
    keys = sorted(place)
    place[keys[sum(path) % len(keys)]] = tree
    _load(directory, name, yaml.safe_dump(document).encode())


@given(
    name=st.sampled_from(["SMTP_HOST", "ALERT_FROM_EMAIL", "DEFAULT_ALERT_EMAILS", "PRECOG_ENVIRONMENT", "SMTP_PORT"]),
    value=st.text() | st.decimals().map(Decimal.__str__),
)
@settings(deadline=None, max_examples=60)
def test_any_value_of_a_variable_is_settings_or_a_config_error(name: str, value: str) -> None:
    environ = {"SMTP_HOST": "localhost", "ALERT_FROM_EMAIL": "a@example.com", "DEFAULT_ALERT_EMAILS": "b@example.com"}
    with suppress(ConfigError):
        load_settings(channels=CHANNELS, environ=environ | {name: value})
