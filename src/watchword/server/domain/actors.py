"""
Who does something through an operation.
"""

from enum import StrEnum

import msgspec


class ActorKind(StrEnum):
    """
    Kinds of actor.
    """

    APPLICATION = "application"
    USER = "user"
    OPERATOR = "operator"
    INVITATION = "invitation"
    JOB = "job"
    LOCAL = "local"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who acts, and from where.

    Attributes:
        scopes: What its token carries; only for actors that came with one.
        id: Id of the application, user, operator or invitation; the job's name; empty for `local`, the machine's own
            command line.
        name: What an operator is called.
    """

    kind: ActorKind
    id: str = ""
    name: str | None = None
    scopes: frozenset[str] = frozenset()
    ip: str | None = None
    user_agent: str | None = None

    @property
    def needs_authority(self) -> bool:
        """
        Whether its permissions must be looked up. Jobs and whoever owns the machine's files need none.
        """
        return self.kind not in {ActorKind.JOB, ActorKind.LOCAL}
