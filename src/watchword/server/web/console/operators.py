"""
The room of the operators: who may sign in, and as what.
"""

from watchword.server.domain.names import OperatorRole
from watchword.server.domain.operators import LINK_LASTS
from watchword.server.domain.problems import Problem
from watchword.server.operations import operators
from watchword.server.web.console.naming import quoted
from watchword.server.web.console.pages import GoTo, Page
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/operators"


def listing(visitor: Visitor) -> Page:
    """
    Show all operators.
    """
    return _page(visitor)


def invite(visitor: Visitor) -> Page:
    """
    Make an invitation, and show its link once.
    """
    token = operators.invite(visitor.acting, _sent_role(visitor))
    return _page(visitor, link=f"{visitor.ctx.settings.public_endpoint}{PREFIX}/join#{token}")


def take_back(visitor: Visitor) -> GoTo:
    """
    Make an invitation worthless.
    """
    operators.take_back(visitor.acting, visitor.field("invitation"))
    return GoTo(path=ROOM, says="The invitation is taken back: its link is no longer good.")


def change(visitor: Visitor) -> Page:
    """
    Show what another role would mean.
    """
    wanted, (one, is_last_owner) = _role(visitor.asked("role")), operators.look(visitor.acting, visitor.path["id"])
    is_owner = visitor.own_operator.role is OperatorRole.OWNER
    shows = {
        "one": one,
        "wanted": wanted,
        "is_last_owner": is_last_owner,
        "invitations": len(operators.invitations(visitor.acting)) if is_owner else 0,
    }
    return Page(template="change_operator.html", shows=shows)


def change_role(visitor: Visitor) -> GoTo:
    """
    Give an operator another role.
    """
    wanted, (one, _) = _sent_role(visitor), operators.look(visitor.acting, visitor.path["id"])
    # Before: whoever is no owner any more does not see them.
    are_open = one.role is not wanted and operators.invitations(visitor.acting)
    operators.change_role(visitor.acting, one.id, wanted)
    says = "The role is changed. Invitations that were open are no longer good." if are_open else "The role is changed."
    return GoTo(path=ROOM, says=says)


def removal(visitor: Visitor) -> Page:
    """
    Show what would go with an operator.
    """
    one, is_last_owner = operators.look(visitor.acting, visitor.path["id"])
    return Page(template="remove_operator.html", shows={"one": one, "is_last_owner": is_last_owner})


def remove(visitor: Visitor) -> GoTo:
    """
    Remove an operator; all sessions end.
    """
    operators.remove(visitor.acting, visitor.path["id"])
    return GoTo(path=ROOM, says="The operator is gone, and all sessions have ended.")


def _sent_role(visitor: Visitor) -> OperatorRole:
    return _role(visitor.field("role"))


def _role(name: str) -> OperatorRole:
    try:
        return OperatorRole(name)
    except ValueError:
        raise Problem("operator.unknown_role", status=422, message="There is no such role.") from None


def _page(visitor: Visitor, *, link: str | None = None) -> Page:
    shows = {
        "operators": operators.listing(visitor.acting),
        "invitations": operators.invitations(visitor.acting),
        "roles": list(OperatorRole),
        "link": link,
        "minutes": int(LINK_LASTS.total_seconds() // 60),
    }
    return Page(template="operators.html", shows=shows)


def _inviting(visitor: Visitor) -> str:
    return f"Invite somebody as {_sent_role(visitor)}"


def _changing(visitor: Visitor) -> str:
    return f"Change the role of {_quoted_one(visitor)} to {_sent_role(visitor)}"


def _removing(visitor: Visitor) -> str:
    return f"Remove the operator {_quoted_one(visitor)}"


def _quoted_one(visitor: Visitor) -> str:
    one, _ = operators.look(visitor.acting, visitor.path["id"])
    return quoted(one.name, one.id)


ROUTES = (
    get("/operators", listing),
    post("/operators", invite, grave=_inviting),
    post("/operators/invitations/take-back", take_back),
    get("/operators/{id}/role", change),
    post("/operators/{id}/role", change_role, grave=_changing),
    get("/operators/{id}/remove", removal),
    post("/operators/{id}/remove", remove, grave=_removing),
)
