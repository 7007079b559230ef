"""
Taking connections: hundreds in a turn of the event loop, and of several workers, each its share.

uvloop by itself takes one connection in a turn. Under load a turn is long, and whoever comes newly would wait outside
for seconds while those inside are served, or refused, at once. Of several workers that share the socket, the one that
wakes first would get all: so one that has its share leaves the rest to the others for a moment, takes one of what is
left then, and so on until the others have more or are heard of no longer.
"""

import asyncio
import socket
from collections.abc import Sequence

from uvicorn import Config, Server

from watchword.cli.share import Everything, Share

_MOST_IN_A_TURN = 512  # those who are inside get their turn too
_MOMENT_SECONDS = 0.005


class AcceptingServer(Server):
    """
    uvicorn's server, which takes connections from the sockets by itself.
    """

    _listeners: Sequence[socket.socket] = ()
    _arriving = 0

    def __init__(self, config: Config, share: Share | None = None) -> None:
        super().__init__(config)
        self._share = share or Everything()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Start the application, then take connections.
        """
        await super().startup([])
        self._listeners = sockets or []
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener, self._take, listener, loop)

    async def on_tick(self, counter: int) -> bool:
        """
        Tell the other workers ten times a second what this one holds.
        """
        self._share.tell(self._held)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Take no more connections, and finish those that are open.
        """
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener)
        self._listeners = ()
        self._share.leave()
        await super().shutdown(sockets)

    @property
    def _held(self) -> int:
        return len(self.server_state.connections) + self._arriving

    def _take(self, listener: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        room = self._share.room(self._held)
        if room < 1:
            # Until then the socket would wake this worker again and again.
            loop.remove_reader(listener)
            loop.call_later(_MOMENT_SECONDS, self._take_one_left, listener, loop)
        else:
            self._accept(listener, loop, int(min(room, _MOST_IN_A_TURN)))

    def _take_one_left(self, listener: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        if listener in self._listeners:
            self._accept(listener, loop, 1)
            loop.add_reader(listener, self._take, listener, loop)

    def _accept(self, listener: socket.socket, loop: asyncio.AbstractEventLoop, most: int) -> None:
        for _ in range(most):
            try:
                connection, _address = listener.accept()
            except OSError:  # nobody waits any more; or one gave up, or there are no more files: the next turn tries on
                break
            connection.setblocking(False)  # noqa: FBT003 - the call's only argument
            self._arriving += 1
            task = loop.create_task(self._connect(connection, loop))
            self.server_state.tasks.add(task)
            task.add_done_callback(self.server_state.tasks.discard)
        self._share.tell(self._held)

    async def _connect(self, connection: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        try:
            await loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # it has gone already
            connection.close()
        finally:
            self._arriving -= 1

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn does
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
