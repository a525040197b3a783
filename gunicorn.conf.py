"""How gunicorn serves: gevent, so that one process holds hundreds of open streams (docs/decisions/0001)."""

from gevent import monkey

monkey.patch_all()  # before anything else is imported, or locks and sockets would block the whole process

from config import Config  # noqa: E402

settings = Config.from_environ()
bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
worker_class = "gevent"
workers = settings.workers
worker_connections = settings.connections
keepalive = 75
graceful_timeout = 30
timeout = 60
accesslog = None
loglevel = "warning"
control_socket_disable = True


def post_worker_init(worker: object) -> None:
    """Before the first request: connect to Claude, and end what a process that died left behind."""
    from app import start

    start(worker.wsgi)  # type: ignore[attr-defined]
