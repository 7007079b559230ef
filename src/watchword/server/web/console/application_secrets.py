"""
The secrets of an application: added, and deleted after a look at what would go with one.
"""

from datetime import datetime, timedelta

from watchword.server.domain.problems import DoneAlready, Problem, bad_value
from watchword.server.operations import applications, secrets
from watchword.server.web.console.applications import LIVES, ROOM, named, quoted_one, shown
from watchword.server.web.console.naming import quoted, told
from watchword.server.web.console.once import DONE_ALREADY, id_from
from watchword.server.web.console.pages import GoTo, Page, address, refusal
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor


def add(visitor: Visitor) -> Page | GoTo:
    """
    Add a secret, and show it once.
    """
    application_id = visitor.path["id"]
    try:
        name, expires_at = named(visitor.field("name").strip()), _expiry(visitor)
        made = secrets.create(visitor.acting, application_id, name, expires_at, id_from(visitor, name))
    except DoneAlready:
        return GoTo(path=address(ROOM, application_id), says=DONE_ALREADY)
    except Problem as refused:
        return shown(visitor, application_id, problem=refusal(refused, "secret"))
    return shown(visitor, application_id, secret=made.value)


def deletion(visitor: Visitor) -> Page | GoTo:
    """
    Show what would go with a secret.
    """
    if not visitor.asked("name"):
        return GoTo(path=address(ROOM, visitor.path["id"]))
    application = applications.read(visitor.acting, visitor.path["id"]).application
    name, kept = visitor.asked("name"), secrets.listing(visitor.acting, application.id)
    secret = next((one for one in kept if one.name == name), None)
    if secret is None:
        raise Problem("entity.not_found", status=404, message="The application has no such secret.")
    now = visitor.ctx.clock()
    shows = {
        "application": application,
        "secret": secret,
        "last_use": secrets.last_uses(visitor.acting, application.id).get(secret.id),
        "others": [one for one in kept if one is not secret and not one.expired(now)],
    }
    return Page(template="delete_secret.html", shows=shows)


def delete(visitor: Visitor) -> GoTo:
    """
    Delete a secret.
    """
    name = visitor.field("name")
    secrets.delete(visitor.acting, visitor.path["id"], name)
    says = f"The secret {told(name, 'without a name')} is gone: the next token request with it is refused."
    return GoTo(path=address(ROOM, visitor.path["id"]), says=says)


def _expiry(visitor: Visitor) -> datetime | None:
    days = visitor.field("days")
    if days not in dict(LIVES):
        raise bad_value("Choose for how long the secret is good.", "days")
    return visitor.ctx.clock() + timedelta(days=int(days)) if days else None


def _adding(visitor: Visitor) -> str:
    return f"Add the secret {quoted(visitor.field('name').strip())} to the application {quoted_one(visitor)}"


def _deleting(visitor: Visitor) -> str:
    return f"Delete the secret {quoted(visitor.field('name'))} of the application {quoted_one(visitor)}"


ROUTES = (
    post("/applications/{id}/secrets", add, grave=_adding),
    get("/applications/{id}/secrets/delete", deletion),
    post("/applications/{id}/secrets/delete", delete, grave=_deleting),
)
