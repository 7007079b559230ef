"""
What an operation is: a function of a transaction, with the permission that it needs stated once.

    @writes(Permission.ALL)
    def rename(tx: Transaction, role_id: str, name: str) -> Role: ...

    rename(acting, "abc", "readers")

The decorator opens the transaction; asking for the permission happens inside it, so its answer is the one that counts.
"""

import contextlib
from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

import msgspec

from watchword.server.context import Context
from watchword.server.domain.actors import Actor
from watchword.server.domain.names import Permission
from watchword.server.storage.database import StorageConflict
from watchword.server.storage.transaction import Transaction

# Writers of a tenant take turns; only SQL from elsewhere gets in their way.
_MOST_CONFLICTS = 2

P = ParamSpec("P")
R = TypeVar("R")


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who does something, in which tenant.
    """

    ctx: Context
    tenant_id: str
    actor: Actor


class Operation(msgspec.Struct, Generic[P, R], frozen=True):
    """
    Something that can be done.

    Attributes:
        permission: What the actor needs.
        is_write: Whether it changes anything.
    """

    body: Callable[Concatenate[Transaction, P], R]
    permission: Permission
    is_write: bool

    def __call__(self, acting: Acting, *args: P.args, **kwargs: P.kwargs) -> R:
        """
        Do it in a transaction of its own.

        Raises:
            Problem: It can't be done as asked, or not by this actor.
            StorageUnavailable: The database can't be read or written.
        """
        for _ in range(_MOST_CONFLICTS):
            with contextlib.suppress(StorageConflict):
                return self._run(acting, *args, **kwargs)
        return self._run(acting, *args, **kwargs)

    def _run(self, acting: Acting, *args: P.args, **kwargs: P.kwargs) -> R:
        begin = acting.ctx.write if self.is_write else acting.ctx.read
        with begin(acting.tenant_id, acting.actor, self.permission) as tx:
            return self.body(tx, *args, **kwargs)


def reads(permission: Permission) -> Callable[[Callable[Concatenate[Transaction, P], R]], Operation[P, R]]:
    """
    Make an operation that only reads.
    """
    return lambda body: Operation(body, permission, is_write=False)


def writes(permission: Permission) -> Callable[[Callable[Concatenate[Transaction, P], R]], Operation[P, R]]:
    """
    Make an operation that changes something, and records it.
    """
    return lambda body: Operation(body, permission, is_write=True)
