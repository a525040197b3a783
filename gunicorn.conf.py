"""How gunicorn serves: gevent, so that one process holds hundreds of open streams (docs/decisions/0001)."""

from gevent import monkey

monkey.patch_all()  # before anything else is imported, or locks and sockets would block the whole process

import re  # noqa: E402
import resource  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
from contextlib import suppress  # noqa: E402

import gevent  # noqa: E402
from gunicorn import glogging, util  # noqa: E402
from gunicorn.arbiter import Arbiter  # noqa: E402
from gunicorn.workers.ggevent import GeventWorker  # noqa: E402

from app.api.problems import outside_the_app  # noqa: E402
from app.telemetry.logging import Redacted, formatter  # noqa: E402
from app.telemetry.redaction import Redactor  # noqa: E402
from config import Config  # noqa: E402

QUOTED = re.compile(r"(Invalid request from [^'\"]*)['\"].*", re.DOTALL)
SECONDS_TO_END = 15  # for what is interrupted to be stored, and told
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

    def warning(self, msg: str, *args: object, **kwargs: object) -> None:
        """What is no HTTP may hold anybody's key, in any form, so it is not quoted."""
        super().warning(QUOTED.sub(r"\1…", msg), *args, **kwargs)


class Worker(GeventWorker):  # type: ignore[misc]
    """Told to end, it serves on until its answers have ended: they can be read, new ones are refused."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.idle: set[socket.socket] = set()

    def handle(self, listener: object, client: socket.socket, addr: object) -> None:
        """One connection, from its begin to its end."""
        self.idle.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self.idle.discard(client)

    def handle_request(self, listener_name: object, req: object, sock: socket.socket, addr: object) -> object:
        """One request of a connection."""
        self.idle.discard(sock)
        try:
            return super().handle_request(listener_name, req, sock, addr)
        finally:
            self.idle.add(sock)
            if not self.alive:
                self._let_go(sock)

    def handle_exit(self, sig: int, frame: object) -> None:
        """SIGTERM; the waiting is not for a signal handler."""
        gevent.spawn(self._drain, sig, frame)

    def _drain(self, sig: int, frame: object) -> None:
        from app import drain

        drain(self.wsgi, settings.drain_seconds)
        super().handle_exit(sig, frame)
        for client in list(self.idle):
            self._let_go(client)

    @staticmethod
    def _let_go(client: socket.socket) -> None:
        """End a connection that waits for its next request, which would be until its keep-alive ends."""
        with suppress(OSError):
            client.shutdown(socket.SHUT_RD)


def write_problem(sock: object, status: int, reason: str, _message: str) -> None:
    """What is not even HTTP is answered in the one error shape too."""
    util.write_nonblock(sock, outside_the_app(status, reason))


util.write_error = write_problem  # gunicorn has no setting for it
bind = f"[{settings.host}]:{settings.port}" if ":" in settings.host else f"{settings.host}:{settings.port}"
worker_class = Worker
workers = settings.workers
worker_connections = settings.connections
logger_class = Logger
limit_request_line = 8190
keepalive = 75
graceful_timeout = int(settings.drain_seconds) + SECONDS_TO_END
timeout = 60
accesslog = None
loglevel = "warning"
control_socket_disable = True


def post_worker_init(worker: object) -> None:
    """Before the first request: connect to Claude, and end what a process that died left behind."""
    from app import start
    from app.errors import DatabaseUnavailable

    try:
        start(worker.wsgi)  # type: ignore[attr-defined]
    except DatabaseUnavailable as error:
        worker.log.error("Colloquy does not serve: %s", error.detail)  # type: ignore[attr-defined]
        sys.exit(Arbiter.APP_LOAD_ERROR)


def worker_exit(_server: object, worker: object) -> None:
    """Nothing is left running, however the process is ended."""
    from app import drain

    if getattr(worker, "wsgi", None):
        drain(worker.wsgi, 0)  # type: ignore[attr-defined]
