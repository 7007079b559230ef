"""
Rows for the keys of `/configs/oidc`, as the reference has them.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from watchword.protocol.jose import type_of_key
from watchword.server.domain.records import CookieKey
from watchword.server.domain.signing_keys import KeyState, KeyType, PublishedKey
from watchword.server.operations import oidc_keys
from watchword.server.web.api.flags import path_word
from watchword.server.web.api.guard import Body, word
from watchword.server.web.api.route import Call, Route
from watchword.server.web.api.wire import milliseconds

LONGEST_GRACE = 31_536_000


class KeyKind(StrEnum):
    """
    What keys are for.
    """

    PRIVATE = "private-keys"
    COOKIE = "cookie-keys"


class RotateKeys(Body):
    """
    What `POST /configs/oidc/{keyType}/rotate` takes; the grace period is in seconds.
    """

    signing_key_algorithm: Annotated[KeyType, word(KeyType)] = KeyType.EC
    rotation_grace_period: Annotated[int, Field(ge=0, le=LONGEST_GRACE)] = 0


def _list(call: Call[None]) -> object:
    if _kind(call) is KeyKind.COOKIE:
        return _cookie_keys(oidc_keys.list_cookie(call.acting))
    return [_private_key(key) for key in oidc_keys.list_private(call.acting)]


def _rotate(call: Call[RotateKeys]) -> object:
    body = call.body
    if _kind(call) is KeyKind.COOKIE:
        if "rotation_grace_period" in body.given():
            raise oidc_keys.invalid_request()
        return _cookie_keys(oidc_keys.rotate_cookie(call.acting))
    grace = timedelta(seconds=body.rotation_grace_period)
    found = oidc_keys.rotate_private(call.acting, body.signing_key_algorithm, grace)
    return [_private_key(key) for key in found]


def _delete(call: Call[None]) -> None:
    delete = oidc_keys.delete_cookie if _kind(call) is KeyKind.COOKIE else oidc_keys.delete_private
    delete(call.acting, call.path["keyId"])


def _kind(call: Call[RotateKeys] | Call[None]) -> KeyKind:
    return path_word(call.path, "keyType", KeyKind)


def _private_key(key: PublishedKey) -> dict[str, object]:
    members: dict[str, object] = {
        "id": key.id,
        "createdAt": _seconds(key.published_at),
        "signingKeyAlgorithm": type_of_key[key.algorithm],
        "status": key.status.value,
    }
    if key.status is KeyState.NEXT and key.signs_from is not None:
        members["effectiveAt"] = milliseconds(key.signs_from)
    return members


def _cookie_keys(keys: Sequence[CookieKey]) -> list[dict[str, object]]:
    return [{"id": key.id, "createdAt": _seconds(key.created_at)} for key in keys]


def _seconds(moment: datetime) -> int:
    # Unlike all other times on this wire, and so in the reference.
    return milliseconds(moment) // 1000


_KEYS = "/configs/oidc/{keyType}"
ROUTES: Sequence[Route] = (
    Route(method="GET", path=_KEYS, summary="List signing keys, or keys of cookies", handler=_list, answer="[OidcKey]"),
    Route(
        method="POST", path=_KEYS + "/rotate", summary="Let another key sign, at once or after a grace period",
        handler=_rotate, body=RotateKeys, answer="[OidcKey]",
    ),
    Route(
        method="DELETE", path=_KEYS + "/{keyId}", summary="Drop a key that signs no more", handler=_delete, status=204,
    ),
)  # fmt: skip
