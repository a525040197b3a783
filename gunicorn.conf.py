"""How gunicorn serves: gevent, so that one process holds hundreds of open streams (docs/decisions/0001)."""

from importlib import metadata

from gevent import monkey

look, installed = metadata.entry_points, metadata.entry_points()
metadata.entry_points = installed.select  # gevent asks 25 times, and reads each time all that is installed
monkey.patch_all()  # before anything else is imported, or locks and sockets would block the whole process
metadata.entry_points = look

import fcntl  # noqa: E402
import gc  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import resource  # noqa: E402
import shutil  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from contextlib import suppress  # noqa: E402
from pathlib import Path  # noqa: E402

FIGURES, FIGURES_FOLDER = "PROMETHEUS_MULTIPROC_DIR", "colloquy-metrics-"


def make_figures_folder() -> str:
    """A new one for what the processes of this server count; those that dead servers left are removed.

    Its lock is held as long as any process of the server lives.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{FIGURES_FOLDER}*"):
        with suppress(OSError), (left / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=FIGURES_FOLDER))
    ours = os.open(folder / "made", os.O_CREAT | os.O_RDONLY)
    fcntl.flock(ours, fcntl.LOCK_EX)
    (folder / "made").rename(folder / "lock")  # locked before anybody can find it
    return str(folder)


if "prometheus_client" not in sys.modules:  # it is, when the settings are read again
    gc.disable()  # until a process serves: what a start makes stays
    os.environ[FIGURES] = make_figures_folder()  # before it is imported, with the app

import gevent  # noqa: E402
from gunicorn import glogging, util  # noqa: E402
from gunicorn.arbiter import Arbiter  # noqa: E402
from gunicorn.workers.ggevent import GeventWorker  # noqa: E402
from prometheus_client.multiprocess import mark_process_dead  # noqa: E402

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
preload_app = True  # imported once, in the master: its processes share the memory, and begin at once


def when_ready(_server: object) -> None:
    """In the master, before its first process begins."""
    from app import warm_up

    warm_up()
    keep_what_is()


def keep_what_is() -> None:
    """What was made so far stays: to look for garbage in it would hold streams up, and unshare its memory."""
    gc.freeze()
    gc.enable()


def post_worker_init(worker: object) -> None:
    """Before the first request: connect to Claude, and end what a process that died left behind."""
    from app import start
    from app.errors import DatabaseUnavailable

    try:
        start(worker.wsgi)  # type: ignore[attr-defined]
        keep_what_is()
    except DatabaseUnavailable as error:
        worker.log.error("Colloquy does not serve: %s", error.detail)  # type: ignore[attr-defined]
        sys.exit(Arbiter.APP_LOAD_ERROR)


def worker_exit(_server: object, worker: object) -> None:
    """Nothing is left running, however the process is ended."""
    from app import drain

    if getattr(worker, "wsgi", None):
        drain(worker.wsgi, 0)  # type: ignore[attr-defined]


def child_exit(_server: object, worker: object) -> None:
    """In the master: a process that ended has no open streams any more; what it counted stays."""
    mark_process_dead(worker.pid)  # type: ignore[attr-defined]


def on_exit(_server: object) -> None:
    """In the master, at the end: nothing is left behind."""
    shutil.rmtree(os.environ[FIGURES], ignore_errors=True)
