"""An installation of its own for a test: the shipped YAML files in a directory, some of them replaced."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from precog.resources import resource

Install = Callable[..., dict[str, str]]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Writes files into a copy of the shipped configuration; returns the environment that leads there."""
    directory = tmp_path / "config"
    shutil.copytree(resource("config"), directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))

    def install(**files: str) -> dict[str, str]:
        for name, text in files.items():
            (directory / f"{name}.yaml").write_text(text)
        return {"PRECOG_CONFIG_DIR": str(directory)}

    return install
