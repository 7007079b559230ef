"""
Which API resource token requests are for that name none: made another one, or none, after a look at what that changes.
"""

from watchword.server.operations import resources
from watchword.server.web.console.naming import quoted
from watchword.server.web.console.pages import GoTo, Page, address
from watchword.server.web.console.resources import ROOM
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor


def look(visitor: Visitor) -> Page:
    """
    Show what changes for requests without a resource: with the default no longer, or with another one as the default.
    """
    shows = {
        "listed": resources.look(visitor.acting, visitor.path["id"]),
        "current": resources.default(visitor.acting),
    }
    return Page(template="default_resource.html", shows=shows)


def change(visitor: Visitor) -> GoTo:
    """
    Make it the one for which requests without a resource are, or no longer.
    """
    is_default = _is_wanted(visitor)
    resources.set_default(visitor.acting, visitor.path["id"], is_default=is_default)
    says = "Requests without a resource are for this API now." if is_default else "It is no longer the default."
    return GoTo(path=address(ROOM, visitor.path["id"]), says=says)


def _is_wanted(visitor: Visitor) -> bool:
    return visitor.field("default") == "yes"


def _changing(visitor: Visitor) -> str:
    resource = resources.read(visitor.acting, visitor.path["id"])
    named = f"the API resource {quoted(resource.name, resource.id)}"
    if not _is_wanted(visitor):
        return f"Make {named} no longer the default"
    current = resources.default(visitor.acting)
    if current is None or current.id == resource.id:
        return f"Make {named} the default"
    return f"Make {named} the default, in place of {quoted(current.name, current.id)}"


ROUTES = (
    get("/resources/{id}/default", look),
    post("/resources/{id}/default", change, grave=_changing),
)
