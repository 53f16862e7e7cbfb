"""The Celery app with its settings, and what happens when a worker starts and stops."""

import importlib.util
from types import ModuleType
from typing import Any

from celery import Celery
from celery.signals import import_modules, setup_logging, worker_init, worker_shutdown

from precog.resources import resource


def _settings() -> ModuleType:
    """celeryconfig.py, by its path: the folder a worker is started from may have one of its own."""
    path = resource("celeryconfig.py")
    spec = importlib.util.spec_from_file_location("precog_celeryconfig", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"the Celery settings cannot be loaded from {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


app = Celery("precog")
app.config_from_object(_settings())


@setup_logging.connect
def _log_as_json(**_: Any) -> None:
    from workers.lifecycle import log_as_json

    log_as_json()


@import_modules.connect
def _keep_flower_closed(**_: Any) -> None:
    from workers.flower import keep_closed

    keep_closed()


@worker_init.connect
def _begin(**_: Any) -> None:
    from workers.lifecycle import begin

    begin()


@worker_shutdown.connect
def _end(**_: Any) -> None:
    from workers.lifecycle import end

    end()
