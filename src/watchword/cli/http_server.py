"""
The HTTP server that `serve` runs: uvicorn, in this process or supervising several.

Owns the listening sockets, the file limit, and how a run ends: 0 after a stop signal, 1 when it could not begin.
"""

import errno
import gc
import os
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from multiprocessing import parent_process
from types import FrameType
from typing import Any, NoReturn

import structlog
from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE

from watchword.cli.failures import Failure, failure_of
from watchword.server.bootstrap import open_context
from watchword.server.logging import set_up_logging
from watchword.server.serving import create_for
from watchword.server.settings import Settings
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.http_protocol import HttpProtocol
from watchword.server.web.request_log import NoRequestLines
from watchword.server.web.sweeper import ConnectionLimits, Sweeper

_BACKLOG = 2048
_log = structlog.get_logger(__name__)


def run_server(settings: Settings) -> None:
    """
    Serve a home until SIGINT or SIGTERM.

    Raises:
        Failure: The port can't be had, or no worker could start.
        MasterKeyError, NotInitialised, SchemaError, StorageUnavailable: The home can't be opened.
        SystemExit: With code 0, after SIGTERM.
    """
    signal.signal(signal.SIGTERM, _end)  # uvicorn restores this one, then sends itself what stopped it
    _raise_file_limit()
    set_up_logging(settings)
    with _listening(settings.host, settings.port) as sockets, suppress(KeyboardInterrupt):
        if settings.workers > 1:
            _supervise(settings, sockets)
        else:
            _run_alone(settings, sockets)


def _run_alone(settings: Settings, sockets: list[socket.socket]) -> None:
    application = create_for(settings)
    gc.freeze()  # what lives as long as the process need not be looked at again
    _announce(settings)
    server = Server(Config(application, **_options(settings)))
    server.run(sockets)
    if not server.started:
        raise Failure("the server could not start: the lines above say why")


def _supervise(settings: Settings, sockets: list[socket.socket]) -> None:
    from uvicorn.supervisors import Multiprocess

    # What is wrong with the home is found here, once, before there are workers to find it.
    ctx = open_context(settings, NoRequestLines())
    ctx.close()
    _announce(settings)
    config = Config(partial(create_worker, settings), factory=True, workers=settings.workers, **_options(settings))
    supervisor = Multiprocess(config, sockets)
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise Failure("a worker could not start: the lines above say why")


def create_worker(settings: Settings) -> ASGIApp:
    """
    Make the application in a worker process.

    Raises:
        SystemExit: It will never work: the supervisor gives up.
        StorageUnavailable: The database is busy: the supervisor starts another worker.
    """
    threading.Thread(target=_follow_parent, name="follow-parent", daemon=True).start()
    try:
        application = create_for(settings)
    except StorageUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, another worker would fail the same way
        if failure_of(error) is None:
            _log.exception("a worker can't start")
        else:
            _log.error("a worker can't start", reason=str(error))
        raise SystemExit(STARTUP_FAILURE) from None
    gc.freeze()
    return application


def _follow_parent() -> None:
    # A supervisor that was killed outright leaves nobody behind who holds the port.
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _options(settings: Settings) -> dict[str, Any]:
    limits = ConnectionLimits(
        head_seconds=settings.header_timeout_seconds,
        token_body_seconds=settings.token_body_timeout_seconds,
        body_seconds=settings.body_timeout_seconds,
    )
    return {
        "loop": "uvloop",
        # Its own reader, since uvicorn's loses the body of a request with `Upgrade`, and lets clients wait for ever.
        "http": partial(HttpProtocol, sweeper=Sweeper(limits)),
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": _BACKLOG,
        "timeout_graceful_shutdown": settings.shutdown_timeout_seconds,
    }


def _announce(settings: Settings) -> None:
    _log.info(
        "serving",
        endpoint=settings.public_endpoint,
        address=f"{settings.host}:{settings.port}",
        home=str(settings.home),
        workers=settings.workers,
    )


@contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """
    Listen on every address that a host name stands for.

    Raises:
        Failure: The port is taken or forbidden, or the address is not this machine's.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise Failure(f"host {host}: {error.strerror}: name an address of this machine with --host") from None
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            with suppress(_NotHere):
                sockets.append(_listen(family, address))
        if not sockets:
            raise Failure(f"host {host} is not an address of this machine: name one with --host")
        yield sockets
    finally:
        for listener in sockets:
            listener.close()


class _NotHere(Exception):
    """
    The address is not this machine's.
    """


def _listen(family: int, address: Any) -> socket.socket:  # noqa: ANN401 - what getaddrinfo gives
    host, port = address[:2]
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        with closing(listener) as guarded:
            guarded.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                guarded.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            guarded.bind(address)
            # Listening at once: two sockets may bind one port as long as neither listens.
            guarded.listen(_BACKLOG)
            guarded.setblocking(False)  # noqa: FBT003 - the call's only argument
            return socket.socket(fileno=guarded.detach())
    except OSError as error:
        raise _why(error, host, port) from None


def _why(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return Failure(
            f"port {port} of {host} is taken by another program: stop that one, or choose another with --port"
        )
    if error.errno == errno.EACCES:
        return Failure(f"port {port} needs privileges: choose one above 1023 with --port")
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return _NotHere()
    return Failure(f"can't listen on port {port} of {host}: {error.strerror}: choose another with --port")


def _raise_file_limit() -> None:
    # Each connection is a file: 1,500 clients that stall must not keep the next one out.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a kernel that allows less than it says: the limit stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
