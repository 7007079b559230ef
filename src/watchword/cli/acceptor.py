"""
Taking connections: few in a turn of the event loop at first, and ever more while some are left over.

uvloop by itself takes one connection in a turn. Under load a turn is long, and whoever comes newly would wait outside
for seconds while those inside are served, or refused, at once. To take all of them in every turn is as bad: of several
workers that share the socket, the one that wakes first would get all, and the others have nothing to do.
"""

import asyncio
import socket
from collections.abc import Sequence

from uvicorn import Server

_MOST_IN_A_TURN = 128  # those who are inside get their turn too


class AcceptingServer(Server):
    """
    uvicorn's server, which takes connections from the sockets by itself.
    """

    _listeners: Sequence[socket.socket] = ()
    _in_a_turn = 1

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Start the application, then take connections.
        """
        await super().startup([])
        self._listeners = sockets or []
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener, self._take, listener, loop)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """
        Take no more connections, and finish those that are open.
        """
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener)
        await super().shutdown(sockets)

    def _take(self, listener: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(self._in_a_turn):
            try:
                connection, _address = listener.accept()
            except OSError:  # nobody waits any more; or one gave up, or there are no more files: the next turn tries on
                self._in_a_turn = 1
                return
            connection.setblocking(False)  # noqa: FBT003 - the call's only argument
            task = loop.create_task(self._connect(connection, loop))
            self.server_state.tasks.add(task)
            task.add_done_callback(self.server_state.tasks.discard)
        self._in_a_turn = min(2 * self._in_a_turn, _MOST_IN_A_TURN)

    async def _connect(self, connection: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        try:
            await loop.connect_accepted_socket(self._make_protocol, connection)
        except OSError:  # it has gone already
            connection.close()

    def _make_protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn does
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
