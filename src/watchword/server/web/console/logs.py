"""
The room of the audit log: what happened, newest first; a page for each record, and all that a search finds as a file.

The address of a page holds the search, and where in the log the page begins, so that it can be handed on.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

import msgspec

from watchword.server.domain.event_keys import EVENT_KEYS
from watchword.server.domain.events import TOKEN_KEY_PREFIX
from watchword.server.domain.explanation import Explanation
from watchword.server.domain.problems import Problem, bad_value
from watchword.server.domain.records import LogEntry
from watchword.server.operations import applications, explaining, logs
from watchword.server.operations.logs import MOST_EXPORTED, MOST_LOOKED_AT, Fits, Outcome
from watchword.server.operations.narrowings import not_granted
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.web.answers import NO_STORE, Answer
from watchword.server.web.console.explaining import address_of, link_to
from watchword.server.web.console.lists import A_PAGE, exact_search
from watchword.server.web.console.log_rows import (
    ERRORS,
    as_json,
    is_about,
    is_refused_with,
    members_of,
    page_of_what_changed,
    refusal_of,
    row_of,
    was_done_by,
)
from watchword.server.web.console.pages import Page, page_with
from watchword.server.web.console.route import get
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/logs"
_ASKED = ("event", "who", "about", "outcome", "from", "to")
_MOMENTS = ("from", "to")
_BEFORE = "before"
_APP_ID = re.compile(r"[0-9a-z]{21}")
_OUTCOMES: Mapping[str, Fits] = {
    "success": lambda entry: entry.payload.get("result") == Outcome.SUCCESS,
    "narrowed": lambda entry: bool(not_granted(entry)),
    "error": lambda entry: entry.payload.get("result") == Outcome.ERROR,
}
_FITS: Mapping[str, Fits] = {**_OUTCOMES, **{error: partial(is_refused_with, error) for error in ERRORS}}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the address of a page asks for.

    Attributes:
        key: Of the event, where the filter does not judge it.
        application_id: Of the application that acted, where the filter does not judge it.
        operator: Name of an operator who acted; empty for anybody.
        about: Id of what was changed; empty for all.
        before: Where in the log the page begins; None stands for its newest end.
    """

    filter: LogFilter
    outcome: Fits | None
    key: str | None = None
    application_id: str | None = None
    operator: str
    about: str
    before: datetime | None

    @property
    def from_there(self) -> LogFilter:
        """
        The filter of what the page shows first, and all that is older.
        """
        return self.filter.within(before=self.before)

    @property
    def fits(self) -> Fits | None:
        """
        What else must hold of a record, which only its reading tells; None where nothing must.
        """
        return self._holds if self.outcome or self.operator or self.about else None

    def _holds(self, entry: LogEntry) -> bool:
        return (
            (self.outcome is None or self.outcome(entry))
            and self.key in {None, entry.key}
            and self.application_id in {None, entry.payload.get("applicationId")}
            and (not self.operator or was_done_by(entry, self.operator))
            and (not self.about or is_about(entry, self.about))
        )


def listing(visitor: Visitor) -> Page:
    """
    Show a page of what the search finds.
    """
    shows: dict[str, object] = {
        "asked": _asked(visitor) | _typed_moments(visitor),
        "event_keys": EVENT_KEYS,
        "outcomes": list(_OUTCOMES),
        "errors": ERRORS,
        "most_looked_at": MOST_LOOKED_AT,
        "most_exported": MOST_EXPORTED,
        "is_filtered": any(_asked(visitor).values()),
    }
    try:
        wanted = _wanted(visitor)
    except Problem as problem:
        nothing = {"rows": (), "total": None, "older": None, "export": None, "is_first": True, "is_found": True}
        return page_with("logs.html", {**shows, **nothing}, problem)
    found = logs.stretch(visitor.acting, wanted.from_there, wanted.fits, most=A_PAGE)
    begins = {} if wanted.before is None else {_BEFORE: _written(wanted.before)}
    shows |= {
        "rows": [row_of(entry, found.application_names) for entry in found.entries],
        "total": _total(visitor, wanted),
        "older": found.goes_on_before and _query(visitor, {_BEFORE: _written(found.goes_on_before)}),
        "is_found": found.is_found,
        "is_first": wanted.before is None,
        "newest": _query(visitor, {}),
        "export": _query(visitor, begins),
        "problem": None,
    }
    return Page(template="logs.html", shows=shows)


def page(visitor: Visitor) -> Page:
    """
    Show a record with all its members, and why a token request was refused or came to less than it asked for.
    """
    entry, names = logs.read_with_names(visitor.acting, visitor.path["id"])
    refusal = refusal_of(entry)
    is_less = entry.payload.get("result") == Outcome.ERROR or bool(not_granted(entry))
    told = None
    if is_less and entry.key.startswith(TOKEN_KEY_PREFIX):
        told = explaining.explain_record(visitor.acting, entry.id)
    found = told.explained.explanation if told and told.explained else None
    shows = {
        "entry": entry,
        "row": row_of(entry, names),
        "changed": page_of_what_changed(entry),
        "members": members_of(entry),
        "json": as_json(entry),
        "refusal": refusal,
        "told": told,
        "is_all_granted": found is not None and _is_all_granted(found),
        "lacked_good_secret": bool(refusal and refusal.is_of_secret and found and found.application.usable_secrets),
        "role_names": {role.id: role.name for role in found.roles} if found else {},
        "question": told and told.question and address_of(told.question),
        "can_mend": bool(told and told.explained and any(one.method for one in told.explained.remedies)),
        "link_to": link_to,
    }
    return Page(template="log.html", shows=shows)


def export(visitor: Visitor) -> Answer:
    """
    Send what the search finds as a file of JSON lines.
    """
    wanted = _wanted(visitor)
    text = logs.lines(visitor.acting, wanted.from_there, wanted.fits)
    name = f"watchword-log-{visitor.ctx.clock():%Y%m%dT%H%M%SZ}.jsonl"
    headers = (
        (b"content-type", b"application/x-ndjson"),
        (b"content-disposition", f'attachment; filename="{name}"'.encode("ascii")),
    )
    return Answer(200, text, (*headers, *NO_STORE))


def _is_all_granted(explanation: Explanation) -> bool:
    return explanation.granted is not None and all(scope.is_granted for scope in explanation.scopes)


def _wanted(visitor: Visitor) -> Wanted:
    """
    Read what the address asks for.

    Raises:
        Problem: It makes no sense (422).
    """
    since, until = _moment(visitor, "from"), _moment(visitor, "to")
    if since is not None and until is not None and since >= until:
        raise bad_value("“From” must be earlier than “to”.", "from")
    asked = _asked(visitor)
    outcome = _FITS.get(asked["outcome"])
    if asked["outcome"] and outcome is None:
        raise bad_value("The outcome is success, narrowed, error, or the code of an error.", "outcome")
    who, about = asked["who"], asked["about"]
    application_id = _application_called(visitor, who)
    operator = "" if application_id else who
    key, only_changes = asked["event"] or None, bool(operator or about)  # nothing else is done by operators
    # Of refusals there are few, and they have an index of their own: whose they are, and of what kind, is read in them.
    only_refusals = asked["outcome"] in {"error", *ERRORS} and not only_changes
    wanted = LogFilter(
        application_id=None if only_refusals else application_id,
        key=None if only_refusals else key,
        only_changes=only_changes,
        only_refusals=only_refusals,
        since=since,
        before=until,
    )
    return Wanted(
        filter=wanted,
        outcome=outcome,
        key=key,
        application_id=application_id,
        operator=operator,
        about=about,
        before=_moment(visitor, _BEFORE),
    )


def _application_called(visitor: Visitor, who: str) -> str | None:
    """
    Return the id of an application, by that or by its name; None where none is called so, or several are.
    """
    if not who or _APP_ID.fullmatch(who):
        return who or None
    same = exact_search(who, "name")
    found = applications.listing(visitor.acting, ApplicationFilter(), same, Part(limit=2, offset=0)).records
    return found[0].id if len(found) == 1 else None


def _asked(visitor: Visitor) -> dict[str, str]:
    """
    Return what the fields hold; an application, as other pages and older addresses name it, is who acted.
    """
    asked = {name: visitor.asked(name).strip() for name in _ASKED}
    return {**asked, "who": asked["who"] or visitor.asked("application").strip()}


def _moment(visitor: Visitor, name: str) -> datetime | None:
    """
    Read a moment as ISO 8601 has it, in UTC where it names no zone.
    """
    text = visitor.asked(name).strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_value(
            f"“{name}” is no time: write it like 2026-11-24T08:15.", name if name in _MOMENTS else ""
        ) from None


def _typed_moments(visitor: Visitor) -> dict[str, str]:
    """
    Return what the fields of moments hold: in UTC, as browsers want it; nothing where it was no moment.
    """
    fields: dict[str, str] = {}
    for name in _MOMENTS:
        try:
            moment = _moment(visitor, name)
        except Problem:
            moment = None
        fields[name] = "" if moment is None else moment.replace(tzinfo=None).isoformat(timespec="seconds")
    return fields


def _total(visitor: Visitor, wanted: Wanted) -> int | None:
    """
    Count what the search finds; None where that would take reading it all.
    """
    if wanted.fits is not None:
        return None
    return logs.listing(visitor.acting, wanted.filter, Part(limit=1, offset=0), count_up_to=None).total


def _query(visitor: Visitor, more: Mapping[str, str]) -> str:
    return urlencode({name: value for name, value in {**_asked(visitor), **more}.items() if value})


def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


ROUTES = (
    get("/logs", listing),
    get("/logs/export", export),
    get("/logs/{id}", page),
)
