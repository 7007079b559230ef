"""
The room of the signing keys: which are published and which sign, with a preview of each rotation and revocation.
"""

from watchword.server.domain.signing_keys import JWKS_MAX_AGE, KeyState, PublishedKey
from watchword.server.operations import signing_keys
from watchword.server.web.console.forms import algorithm
from watchword.server.web.console.naming import quoted
from watchword.server.web.console.pages import GoTo, Page
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/keys"
_AT_ONCE = "now"
_MAX_AGE_SECONDS = int(JWKS_MAX_AGE.total_seconds())


def listing(visitor: Visitor) -> Page:
    """
    Show all published keys.
    """
    keys = signing_keys.listing(visitor.acting)
    shows = {
        "keys": keys,
        # Those that tokens are signed with have a standby.
        "algorithms": sorted({key.algorithm for key in keys if key.status is KeyState.STANDBY}),
        "max_age": _MAX_AGE_SECONDS,
    }
    return Page(template="keys.html", shows=shows)


def rotation(visitor: Visitor) -> Page | GoTo:
    """
    Show what a rotation would do, when the next key is ready and at once.
    """
    if "algorithm" not in visitor.query:
        return GoTo(path=ROOM)
    wanted = algorithm(visitor.asked("algorithm"))
    shows = {
        "algorithm": wanted,
        "turning": signing_keys.turning(visitor.acting, wanted),
        "max_age": _MAX_AGE_SECONDS,
    }
    return Page(template="rotate_key.html", shows=shows)


def rotate(visitor: Visitor) -> GoTo:
    """
    Let the next key sign: as soon as verifiers know it, or at once.
    """
    wanted, at_once = algorithm(visitor.field("algorithm")), visitor.field("when") == _AT_ONCE
    keys = signing_keys.rotate(visitor.acting, wanted, at_once=at_once)
    upcoming = [key for key in keys if key.algorithm is wanted and key.status is KeyState.NEXT]
    if upcoming:
        says = f"The next key of {wanted} signs from {upcoming[0].signs_from:%Y-%m-%d %H:%M:%S} UTC on."
    else:
        says = f"Another key of {wanted} signs from now on."
    return GoTo(path=ROOM, says=says)


def revocation(visitor: Visitor) -> Page:
    """
    Show what it would mean to drop a key.
    """
    shows = {"key": _find(visitor), "max_age": _MAX_AGE_SECONDS}
    return Page(template="revoke_key.html", shows=shows)


def revoke(visitor: Visitor) -> GoTo:
    """
    Drop a key, at once and for good.
    """
    signing_keys.revoke(visitor.acting, visitor.path["id"])
    return GoTo(path=ROOM, says="The key is gone. No token that it signed is good here from now on.")


def _find(visitor: Visitor) -> PublishedKey:
    for key in signing_keys.listing(visitor.acting):
        if key.id == visitor.path["id"]:
            return key
    raise signing_keys.key_not_found(visitor.path["id"])


def _rotating(visitor: Visitor) -> str:
    when = "now" if visitor.field("when") == _AT_ONCE else "when ready"
    return f"Rotate {algorithm(visitor.field('algorithm'))} {when}"


def _revoking(visitor: Visitor) -> str:
    key = _find(visitor)
    return f"Revoke the {key.algorithm} key {quoted(key.id)}"


ROUTES = (
    get("/keys", listing),
    get("/keys/rotate", rotation),
    post("/keys/rotate", rotate, grave=_rotating),
    get("/keys/{id}/revoke", revocation),
    post("/keys/{id}/revoke", revoke, grave=_revoking),
)
