"""The Celery worker: `celery -A workers worker`."""

from workers.app import app

__all__ = ["app"]
