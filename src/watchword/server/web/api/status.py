"""
Rows that need no token.
"""

from collections.abc import Sequence

from watchword.server.web.api.route import Call, Route


def _status(call: Call[None]) -> None:
    del call


ROUTES: Sequence[Route] = (
    Route(
        method="GET", path="/status", summary="Tell that the server answers", handler=_status,
        status=204, is_public=True,
    ),
)  # fmt: skip
