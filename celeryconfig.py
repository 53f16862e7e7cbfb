"""The worker's Celery settings: the one place for them. The names are Celery's own.

Messages are doorbells, deliveries are rows in PostgreSQL. So a message is acknowledged when it is taken, and none is
held in reserve: a worker that loses its broker holds no unacknowledged message that Celery 5.7 could trip over, and
what a dead worker was sending is taken over when the lease in its row ends.
"""

from precog.queue import CHANNELS as _CHANNELS
from precog.queue import key_prefix, queue_name, queues, task_name
from precog.settings import process as _process
from precog.settings.load import load_timing

_timing = load_timing()

broker_url = _process.redis_url()
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a worker waits for its broker as long as it takes; recovery delivers meanwhile
broker_transport_options = {
    "global_keyprefix": key_prefix(_process.environment()),
    "health_check_interval": 5,
    "socket_keepalive": True,
    "visibility_timeout": 300,
}

task_queues = queues()
task_routes = {task_name(channel): {"queue": queue_name(channel)} for channel in _CHANNELS}
task_create_missing_queues = False  # a misspelt -Q fails instead of listening to nothing

task_acks_late = False
worker_disable_prefetch = True
worker_prefetch_multiplier = 1
worker_cancel_long_running_tasks_on_connection_loss = False  # a send in progress finishes and is recorded

task_serializer = "json"
accept_content = ["json"]
task_ignore_result = True

task_time_limit = _timing.send_limit_seconds
task_soft_time_limit = _timing.soft_send_limit_seconds
worker_soft_shutdown_timeout = 20
worker_max_tasks_per_child = 1000
worker_max_memory_per_child = 200_000  # kB

worker_send_task_events = False  # on when Flower asks
worker_hijack_root_logger = False
worker_redirect_stdouts = False  # the console channel writes to the worker's real standard output
