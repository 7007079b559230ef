"""
Forms that make something with a secret: sent again, they make nothing more, since a second answer would hide the first.

Such a form carries a random text. The id of what it makes follows from that, so the database decides which of two came
first, whichever workers they reach, and nothing has to be remembered.
"""

import hashlib

from watchword.protocol.credentials import ClientSecret
from watchword.server.domain.ids import new_id
from watchword.server.web.console.visitor import Visitor

ONCE = "once"
DONE_ALREADY = (
    "This was done already. The secret was shown then, and is not shown again: where nobody has kept it, add another."
)


def id_from(visitor: Visitor, name: str) -> str | None:
    """
    Return the id of what a form makes; None where the form says nothing of it.

    Args:
        name: Of what is made: a form that comes back with another one makes another thing.
    """
    text = visitor.field(ONCE)
    if not text:
        return None
    # By the server's own key, so that nobody chooses an id.
    digest = visitor.ctx.keys.digest(ClientSecret(f"console-once\0{visitor.here}\0{text}\0{name}"))
    return new_id(hashlib.shake_256(digest).digest)
