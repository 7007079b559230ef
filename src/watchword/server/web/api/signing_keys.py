"""
Rows for signing keys, with what the reference does not have: standbys, instants, and keys that were stolen.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import StrictBool

from watchword.protocol.names import Algorithm
from watchword.server.operations import signing_keys
from watchword.server.web.api.guard import Body, word
from watchword.server.web.api.route import Call, Route
from watchword.server.web.api.wire import all_as_json


class RotateSigningKey(Body):
    """
    What `POST /signing-keys/rotate` takes: whose key, the tenant's own by default, and whether to wait for verifiers.
    """

    algorithm: Annotated[Algorithm, word(Algorithm)] | None = None
    now: StrictBool = False


def _list(call: Call[None]) -> object:
    return all_as_json(signing_keys.listing(call.acting))


def _rotate(call: Call[RotateSigningKey]) -> object:
    return all_as_json(signing_keys.rotate(call.acting, call.body.algorithm, at_once=call.body.now))


def _revoke(call: Call[None]) -> None:
    signing_keys.revoke(call.acting, call.path["id"])


ROUTES: Sequence[Route] = (
    Route(
        method="GET", path="/signing-keys", summary="List all published signing keys", handler=_list,
        answer="[SigningKey]",
    ),
    Route(
        method="POST", path="/signing-keys/rotate", summary="Let the standby key sign as soon as verifiers know it",
        handler=_rotate, body=RotateSigningKey, answer="[SigningKey]",
    ),
    Route(
        method="DELETE", path="/signing-keys/{id}", summary="Drop a stolen key; another one signs at once",
        handler=_revoke, status=204,
    ),
)  # fmt: skip
