"""
The room that says how things are. Its upper part refreshes itself; the rest is read once.
"""

from watchword.server.operations import overview
from watchword.server.operations.overview import LOOKED_AT, MOST_SHOWN
from watchword.server.web.console.chart import bars_of
from watchword.server.web.console.log_rows import ERRORS
from watchword.server.web.console.pages import Page
from watchword.server.web.console.route import get
from watchword.server.web.console.visitor import Visitor

LIVE = "now"


def page(visitor: Visitor) -> Page:
    """
    Show the room; where its upper part alone is asked for, read no more than that needs.
    """
    activity = overview.activity(visitor.acting)
    is_all = visitor.asked("part") != LIVE
    shows = {
        "read_at": visitor.ctx.clock(),
        "activity": activity,
        "chart": bars_of(
            ("issued", "narrowed", "refused"),
            [(max(one.issued - one.narrowed, 0), one.narrowed, one.refused) for one in activity.minutes],
        ),
        "totals": overview.totals(visitor.acting),
        "is_all": is_all,
        "secrets": overview.expiring_secrets(visitor.acting, MOST_SHOWN + 1) if is_all else (),
        "unused": overview.unused_applications(visitor.acting, MOST_SHOWN + 1) if is_all else (),
        "errors": ERRORS,
        "most_shown": MOST_SHOWN,
        "looked_at": LOOKED_AT,
    }
    return Page(template="overview.html", shows=shows)


ROUTES = (get("/overview", page),)
