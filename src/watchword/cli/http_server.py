"""
The HTTP server that `serve` runs: uvicorn, in this process, or in workers below a supervisor.

Owns what each of them is given, and how a run ends: 0 after a stop signal, 1 when it could not begin.
"""

import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any, NoReturn

from uvicorn import Config

from watchword.cli import supervisor
from watchword.cli.acceptor import AcceptingServer
from watchword.cli.failures import Failure, failure_of
from watchword.cli.listening import BACKLOG, listening, most_connections, own_url, raise_file_limit
from watchword.cli.share import FairShare, Share
from watchword.server.bootstrap import open_context
from watchword.server.logging import set_up_logging
from watchword.server.serving import create_for
from watchword.server.settings import Resolved, Settings
from watchword.server.storage.database import StorageUnavailable
from watchword.server.telemetry.board import Board, memory_file
from watchword.server.web.app import Application
from watchword.server.web.request_log import NoRequestLines
from watchword.server.web.sweeper import ConnectionLimits, Sweeper
from watchword.server.web.token_protocol import TokenProtocol

_CAN_NOT_START = 3
_LINE = 0  # a worker's standard input is its line to the supervisor
_M_ARENA_MAX = -8  # of malloc.h
_log = logging.getLogger(__name__)


def run_server(resolved: Resolved, worker_command: Sequence[str]) -> None:
    """
    Serve a home until SIGINT or SIGTERM.

    Args:
        resolved: The home's settings, and where they came from.
        worker_command: What starts a worker with these settings.

    Raises:
        Failure: The port can't be had, or the server could not start.
        MasterKeyError, NotInitialised, SchemaError, StorageUnavailable: The home can't be opened.
        SystemExit: With code 0, after SIGTERM.
    """
    settings = resolved.settings
    signal.signal(signal.SIGTERM, _end)  # uvicorn restores this one, then sends itself what stopped it
    _allocate_from_one_heap()
    raise_file_limit()
    set_up_logging(settings)
    with listening(settings.host, settings.port) as sockets, suppress(KeyboardInterrupt):
        if settings.workers > 1:
            # What is wrong with the home is found here, once, before there are workers to find it.
            open_context(settings, NoRequestLines(), begins_token_log=True).close()
            _become_supervisor(settings, sockets, worker_command)
        application = create_for(resolved, begins_token_log=True, own_url=own_url(sockets))
        _serve(settings, application, sockets, partial(_TellingServer, tell=partial(_announce, settings)))


def run_worker(resolved: Resolved, descriptors: Sequence[int], board: int | None) -> None:
    """
    Serve on sockets that the supervisor has made, until it says so or is gone.

    Args:
        resolved: The home's settings, and where they came from.
        board: The file of the memory that the workers count in.

    Raises:
        StorageUnavailable: The database is busy, or its token log away: the supervisor starts another worker.
        SystemExit: With code 3, it will never work: the supervisor gives up. With code 0, after SIGTERM.
    """
    settings = resolved.settings
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's
    _allocate_from_one_heap()
    set_up_logging(settings)
    threading.Thread(target=_follow_supervisor, args=(settings,), name="follow-supervisor", daemon=True).start()
    memory = None if board is None else Board(board)
    sockets = [socket.socket(fileno=number) for number in descriptors]
    try:
        application = create_for(resolved, memory, own_url=own_url(sockets))
    except StorageUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, another worker would fail the same way
        if failure_of(error) is None:
            _log.exception("a worker can't start")
        else:
            _log.error("a worker can't start", extra={"reason": str(error)})
        raise SystemExit(_CAN_NOT_START) from None
    with suppress(KeyboardInterrupt):
        share = None if memory is None else FairShare(memory)
        _serve(settings, application, sockets, partial(_TellingServer, share=share, tell=_tell_supervisor))


class _TellingServer(AcceptingServer):
    """
    Tells when it serves.
    """

    def __init__(self, config: Config, share: Share | None = None, *, tell: Callable[[], None]) -> None:
        super().__init__(config, share)
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()


def _tell_supervisor() -> None:
    os.write(_LINE, supervisor.SERVING)


def _follow_supervisor(settings: Settings) -> None:
    with suppress(ConnectionError):
        while os.read(_LINE, 1) == supervisor.ANNOUNCE:
            _announce(settings)
    # A supervisor that was killed outright leaves nobody behind who holds the port.
    os.kill(os.getpid(), signal.SIGTERM)


def _become_supervisor(settings: Settings, sockets: Sequence[socket.socket], worker_command: Sequence[str]) -> NoReturn:
    # All that was needed to come so far leaves the memory. Isolated and without site packages, it has no more of them.
    board = memory_file()
    heard = [listener.fileno() for listener in sockets]
    for descriptor in (*heard, board):
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the call takes no name
    command = [*worker_command, *(f"--fd={descriptor}" for descriptor in heard), f"--board={board}"]
    kept = ",".join(str(descriptor) for descriptor in (*heard, board))
    arguments = [str(settings.workers), str(settings.shutdown_timeout_seconds), kept, *command]
    os.execv(sys.executable, [sys.executable, "-I", "-S", supervisor.__file__, *arguments])  # noqa: S606 - ourselves


def _serve(
    settings: Settings,
    application: Application,
    sockets: list[socket.socket],
    make: Callable[[Config], _TellingServer],
) -> None:
    gc.freeze()  # what lives as long as the process need not be looked at again
    server = make(Config(application, **_options(settings, application)))
    server.run(sockets)
    if not server.started:
        raise Failure("the server could not start: the lines above say why")


def _allocate_from_one_heap() -> None:
    # glibc gives threads heaps of their own, each with memory that lies idle. One thread at a time runs Python anyway.
    with suppress(OSError, AttributeError):  # other systems allocate in other ways
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _options(settings: Settings, application: Application) -> dict[str, Any]:
    limits = ConnectionLimits(
        head_seconds=settings.header_timeout_seconds,
        token_body_seconds=settings.token_body_timeout_seconds,
        body_seconds=settings.body_timeout_seconds,
        idle_seconds=settings.idle_timeout_seconds,
        most=most_connections(raise_file_limit()),
    )
    return {
        "loop": "uvloop",
        # Its own reader, since uvicorn's loses the body of a request with `Upgrade`, and lets clients wait for ever.
        "http": partial(TokenProtocol, sweeper=Sweeper(limits), answer_whole=application.answer_token_request),
        "ws": "none",
        "lifespan": "on",
        "interface": "asgi3",
        "log_config": None,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "backlog": BACKLOG,
        "timeout_graceful_shutdown": settings.shutdown_timeout_seconds,
    }


def _announce(settings: Settings) -> None:
    files = raise_file_limit()
    _log.info(
        "serving",
        extra={
            "endpoint": settings.public_endpoint,
            "address": f"{settings.host}:{settings.port}",
            "home": str(settings.home),
            "workers": settings.workers,
            "files": files,
            "connections": most_connections(files),
        },
    )


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)
