"""What each service of the stack is started with, here and in docker-compose.yml alike; a test compares the two."""

POSTGRES_SETTINGS = {
    "timezone": "UTC",
    # Room for what lists of ten million alerts show; taken as it is used, so that a small database takes little.
    "shared_buffers": "512MB",
    # A client that vanished without a word gives up its locks within half a minute.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
    "idle_in_transaction_session_timeout": "60s",
}
REDIS_SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": '""',
    # A queue is one key: any policy that evicts could evict all of it.
    "maxmemory-policy": "noeviction",
}

MIGRATE = (("precog", "db", "migrate"), ("precog", "db", "login"), ("precog", "config", "apply"))
"""One after the other, before anything else of ours starts; they alone are given PRECOG_OWNER_URL."""

MAIL_QUEUES = ("notifications.email", "notifications.webhook")
OTHER_QUEUES = ("notifications.console", "notifications.file", "notifications.sms", "notifications.slack")


def _worker(name: str, queues: tuple[str, ...]) -> tuple[str, ...]:
    # Quiet: no banner between the alerts on the console. Gossip and mingle serve nothing here; without them a worker is
    # back at work three times sooner after it lost its broker.
    options = ("--without-gossip", "--without-mingle", "--concurrency", "2", "--queues", ",".join(queues))
    return ("celery", "--quiet", "-A", "workers", "worker", "--hostname", f"{name}@%h", *options)


CONSOLE_WORKER = "worker"
"""The one whose standard output is the console channel."""
WORKERS = {
    CONSOLE_WORKER: _worker(CONSOLE_WORKER, OTHER_QUEUES),
    # Mail and webhooks wait for servers that anybody may run; an SMS never waits behind them.
    "worker-mail": _worker("worker-mail", MAIL_QUEUES),
}
WATCH = ("precog", "watch")
"""The alert sources: they look at the trading tables and raise alerts by themselves."""
SERVE = ("precog", "serve")
"""Only where PRECOG_PUBLIC_URL says that somebody outside can reach it."""
FLOWER = ("celery", "-A", "workers", "flower")
"""Its address, port and password come as FLOWER_ADDRESS, FLOWER_PORT and FLOWER_BASIC_AUTH."""
