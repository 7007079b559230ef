"""
The room of the settings: what is in force and where it came from, to be read.

No secret is among them, so every operator may.
"""

from watchword.server.settings.effective import effective, paths
from watchword.server.web.console.pages import Page
from watchword.server.web.console.route import get
from watchword.server.web.console.visitor import Visitor


def page(visitor: Visitor) -> Page:
    """
    Show the settings of the process that answers.
    """
    ctx = visitor.ctx
    shows = {
        "settings": effective(ctx.settings, ctx.origins),
        "issuer": ctx.settings.issuer,
        "paths": paths(ctx.settings),
    }
    return Page(template="settings.html", shows=shows)


ROUTES = (get("/settings", page),)
