"""How gunicorn serves: gevent, so that one process holds hundreds of open streams (docs/decisions/0001)."""

from gevent import monkey

monkey.patch_all()  # before anything else is imported, or locks and sockets would block the whole process

import resource  # noqa: E402
import sys  # noqa: E402

from gunicorn import glogging, util  # noqa: E402

from app.api.problems import outside_the_app  # noqa: E402
from app.telemetry.logging import Redacted, formatter  # noqa: E402
from app.telemetry.redaction import Redactor  # noqa: E402
from config import Config  # noqa: E402

settings = Config.from_environ()
most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))  # a stream takes two


class Logger(glogging.Logger):
    """gunicorn's own lines, in the server's format and without secrets."""

    def setup(self, cfg: object) -> None:
        """Called by gunicorn once in each process."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(
                Redacted(formatter(settings.log_format, sys.stderr), Redactor(settings.secrets))
            )


def write_problem(sock: object, status: int, reason: str, _message: str) -> None:
    """What is not even HTTP is answered in the one error shape too."""
    util.write_nonblock(sock, outside_the_app(status, reason))


util.write_error = write_problem  # gunicorn has no setting for it
bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
worker_class = "gevent"
workers = settings.workers
worker_connections = settings.connections
logger_class = Logger
limit_request_line = 8190
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


def worker_exit(_server: object, worker: object) -> None:
    """Answers whose client has left may end too; what takes longer is marked by the next process."""
    from app import finish

    if getattr(worker, "wsgi", None):
        finish(worker.wsgi, graceful_timeout)  # type: ignore[attr-defined]
