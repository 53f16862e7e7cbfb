"""The Celery worker: `celery -A workers worker`."""

from workers.app import app
from workers.tasks import TASKS

__all__ = ["TASKS", "app"]
