"""
What an application's roles give it, API by API.
"""

from collections.abc import Sequence

import msgspec

from watchword.server.domain import problems
from watchword.server.domain.authority import authority
from watchword.server.storage import explaining
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.view import TransactionView


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """
    An API on which an application's roles give something.
    """

    name: str
    indicator: str
    scopes: Sequence[str]


def reach_of(tx: Transaction, application_id: str, most: int) -> Sequence[Reach]:
    """
    Say what an application's roles give it, by API, in the order of the API identifiers.

    Raises:
        Problem: There is no such application.
    """
    view = TransactionView(tx)
    application = view.application(application_id)
    if application is None:
        raise problems.unknown("applications", application_id)
    held = view.roles(application)
    targets = [view.resource(indicator) for indicator in explaining.indicators_of_application(tx, application_id, most)]
    found = [
        Reach(name=target.name, indicator=target.indicator, scopes=list(authority(held, target)))
        for target in targets
        if target is not None
    ]
    return [one for one in found if one.scopes]
