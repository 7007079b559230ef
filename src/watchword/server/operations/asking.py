"""
What an asker may better ask instead: remedies that change nothing but the question.
"""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote_plus

import msgspec

from watchword.protocol.resource_indicators import is_registrable
from watchword.protocol.scopes import format_scope
from watchword.server.domain import names
from watchword.server.domain.authority import Dropped
from watchword.server.domain.explanation import Explanation, Question
from watchword.server.operations.reaching import reach_of
from watchword.server.operations.remedy import Remedy
from watchword.server.storage import explaining
from watchword.server.storage.transaction import Transaction

MOST_ALIKE = 3
LONGEST_INDICATOR = 2_000
_MOST_SCOPES, _LONGEST_SCOPE = 100, 4_000  # an address holds them, in as many characters
_LIKE_A_HOST = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+)(:\d+)?(/|$)")


def for_what_is_reached(tx: Transaction, question: Question) -> Iterator[Remedy]:
    """
    Ask for one of the first APIs of which the application's roles give something.
    """
    for one in reach_of(tx, question.application_id, MOST_ALIKE):
        yield _ask(question, f"Ask for `{one.indicator}`: its roles give {_few(one.scopes)} there.", one.indicator)


def for_what_was_meant(tx: Transaction, question: Question, asked: str) -> Sequence[Remedy]:
    """
    Ask for an API that is there, and is called much as what was asked for; for none where nothing is.
    """
    spellings = _spellings(asked)
    alike = [one for spelling in spellings for one in explaining.resources_alike(tx, spelling, MOST_ALIKE)]
    meant = [one for one in dict.fromkeys(alike) if one != asked and is_registrable(one)]
    if meant:
        text = "Ask for `{}`, letter by letter: that is the indicator."
        return [_ask(question, text.format(one), one) for one in meant[:MOST_ALIKE]]
    own = names.management_indicator(tx.tenant_id)
    if asked != own and any(names.is_management_indicator(one.rstrip("/").lower()) for one in spellings):
        return [_ask(question, f"Ask for `{own}`, this server's Management API.", own)]
    return ()


def for_well_formed(question: Question, asked: str) -> Remedy:
    """
    Ask for what would be an indicator, in place of what can be none.
    """
    formed = next((one for one in _spellings(asked) if len(one) <= LONGEST_INDICATOR and is_registrable(one)), None)
    if formed is None:
        return Remedy(text="Ask for an absolute URI without a fragment, such as `https://shop.example`.")
    if "#" in asked:
        return _ask(question, f"Ask for `{formed}`: no indicator has a fragment, which `#` begins.", formed)
    return _ask(question, f"Ask for `{formed}`: every indicator is an absolute URI.", formed)


def without_organization(question: Question) -> Remedy:
    """
    Ask for a token of no organization.
    """
    return Remedy(
        text="Ask without `organization_id`: this server has no organizations.",
        ask=msgspec.structs.replace(question, organization_id=None),
    )


def for_all_that_is_given(question: Question, explanation: Explanation) -> Iterator[Remedy]:
    """
    Ask for the scopes that the application could have, where it asked for none.
    """
    given = askable(explanation.available)
    if given and not question.scopes:
        which = "all" if len(given) == len(explanation.available) else f"the first {len(given)} scopes"
        text = f"Ask for {which} that its roles give there: name them in `scope`."
        yield Remedy(text=text, ask=msgspec.structs.replace(question, scopes=given))


def for_scope(question: Question, name: str, other: str | None, text: str) -> Remedy:
    """
    Ask for another scope in place of one; without it, where the other is None.
    """
    scopes = [other if scope == name else scope for scope in question.scopes]
    kept = tuple(dict.fromkeys(scope for scope in scopes if scope is not None))
    return Remedy(scope=name, text=text, ask=msgspec.structs.replace(question, scopes=kept))


def for_other_apis(tx: Transaction, question: Question, explanation: Explanation, name: str) -> Iterator[Remedy]:
    """
    Ask another API that has the scope, for all that the one asked for does not know.
    """
    assert explanation.resource is not None  # noqa: S101 - scopes are judged on an API
    unknown = tuple(scope.name for scope in explanation.scopes if scope.reason is Dropped.UNKNOWN)
    for indicator in explaining.apis_with_scope(tx, explanation.resource.id, name, MOST_ALIKE):
        yield Remedy(
            scope=name,
            text=f"Ask for a token for `{indicator}`: `{name}` is a permission of that API.",
            ask=msgspec.structs.replace(question, resource=indicator, scopes=unknown),
        )


def askable(scopes: Sequence[str]) -> tuple[str, ...]:
    """
    Return the first scopes, as many as one question holds.
    """
    first = scopes[:_MOST_SCOPES]
    while len(quote_plus(format_scope(first))) > _LONGEST_SCOPE:
        first = first[:-1]
    return tuple(first)


def _ask(question: Question, text: str, resource: str) -> Remedy:
    return Remedy(text=text, ask=msgspec.structs.replace(question, resource=resource))


def _spellings(asked: str) -> list[str]:
    """
    Return what was asked for and, where that can be no indicator, what it would be as one.
    """
    if is_registrable(asked):
        return [asked]
    whole = asked.strip().partition("#")[0]
    schemes = ("", "https://", "http://") if _LIKE_A_HOST.match(whole) else ("",)
    return list(dict.fromkeys([asked, *(f"{scheme}{whole}" for scheme in schemes)]))


def _few(scopes: Sequence[str]) -> str:
    named, more = ", ".join(f"`{scope}`" for scope in scopes[:MOST_ALIKE]), len(scopes) - MOST_ALIKE
    return f"{named} and {more:,} more" if more > 0 else named
