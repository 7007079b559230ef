"""
What a decision reads of the directory: what is remembered, what was loaded for it, and nothing newer than its look.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server.domain.decision import Decision
from watchword.server.domain.view import (
    ApplicationEntry,
    Moment,
    ResourceEntry,
    RoleEntry,
    TenantEntry,
)
from watchword.server.storage.loader import Kind, Loaded
from watchword.server.tokens.looks import Look
from watchword.server.tokens.remembered import Remembered


class Outdated(Exception):
    """
    Something was loaded that is newer than the look that a decision began with: decide anew, from a new look.
    """


class Missing(Exception):
    """
    A decision needs entries that are not there: load them, and decide anew, from the same look.
    """

    def __init__(self, kind: Kind, keys: Sequence[str]) -> None:
        self.kind = kind
        self.keys = keys


class DirectoryView:
    """
    What is true at the moment of one look.

    Attributes:
        look: The look.
    """

    __slots__ = ("_loaded", "_remembered", "_tenant_id", "look")

    def __init__(self, tenant_id: str, remembered: Remembered, look: Look) -> None:
        self.look = look
        self._tenant_id = tenant_id
        self._remembered = remembered
        # What was loaded for this decision: it stays with it, whether or not it is remembered for others.
        self._loaded: dict[tuple[Kind, str], Loaded] = {}

    def add(self, kind: Kind, key: str, loaded: Loaded) -> None:
        """
        Take in what was loaded.

        Raises:
            Outdated: It is newer than the look.
        """
        if loaded.number > self.look.number:
            raise Outdated
        self._loaded[kind, key] = loaded

    def recall(self, request: bytes | None, now: datetime) -> Decision | None:
        """
        Return what was decided for a request of this identity, where it is still so.
        """
        if request is None or not self._is_newest():
            return None
        decision = self._remembered.decisions.find(request, now)
        if decision is not None:
            self._remembered.recalled += 1
        return decision

    def keep(self, request: bytes | None, decision: Decision) -> None:
        """
        Remember what was decided, unless something has changed since this view's look.
        """
        if request is not None and self._is_newest():
            self._remembered.decisions.keep(request, decision)

    @property
    def moment(self) -> Moment:
        """
        The moment of the look.
        """
        return self.look.moment

    def tenant(self) -> TenantEntry:
        """
        Return the tenant.
        """
        entry = self._entry(Kind.TENANT, self._tenant_id)
        if entry is None:
            raise TemporarilyUnavailable("the server is not set up", detail=f"there is no tenant {self._tenant_id}")
        tenant: TenantEntry = entry
        return tenant

    def application(self, application_id: str) -> ApplicationEntry | None:
        """
        Return an application, or None.
        """
        application: ApplicationEntry | None = self._entry(Kind.APPLICATION, application_id)
        return application

    def miss_application(self, application_id: str) -> None:
        """
        Take the time that looking for an application takes when there is none of this id: long at first, short later.
        """
        self._entry(Kind.APPLICATION, f"{application_id}\0")  # no id holds a NUL: requests with one are refused

    def roles(self, application: ApplicationEntry) -> tuple[RoleEntry, ...]:
        """
        Return the roles of an application.
        """
        found: list[RoleEntry] = []
        missing: list[str] = []
        for role_id in application.role_ids:
            try:
                role = self._entry(Kind.ROLE, role_id)
            except Missing:  # they are loaded together: each load lets the decision begin anew
                missing.append(role_id)
            else:
                if role is not None:
                    found.append(role)
        if missing:
            raise Missing(Kind.ROLE, missing)
        return tuple(found)

    def resource(self, indicator: str) -> ResourceEntry | None:
        """
        Return the API resource with exactly this indicator, or None.
        """
        resource: ResourceEntry | None = self._entry(Kind.RESOURCE, indicator)
        return resource

    def is_member(self, application: ApplicationEntry, organization_id: str) -> bool:
        """
        Tell whether an application belongs to an organization. There are no organizations yet, so it never does.
        """
        del application, organization_id
        return False

    def _is_newest(self) -> bool:
        mark = self._remembered.mark
        return mark is not None and mark.number == self.look.number and self._remembered.history == self.look.history

    def _entry(self, kind: Kind, key: str) -> Any:  # noqa: ANN401 - of the kind's type, or None; a cast is a call
        slot = self._remembered.find(kind, key)
        if slot is None:
            slot = self._loaded.get((kind, key))
            if slot is None:
                raise Missing(kind, (key,))
        elif slot.number > self.look.number:
            raise Outdated
        return slot.entry
