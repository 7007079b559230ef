"""
Rows for users and their custom data.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from watchword.server.domain import problems
from watchword.server.domain.passwords import PasswordAlgorithm, read_password
from watchword.server.domain.phones import normalise_phone
from watchword.server.domain.records import User
from watchword.server.domain.search import is_true, parse_search
from watchword.server.domain.values import is_email, is_username
from watchword.server.operations import users
from watchword.server.operations.users import NewUser
from watchword.server.storage.users import UserFilter
from watchword.server.web.api.flags import Values, only
from watchword.server.web.api.guard import Body, Check, NonEmpty, issue, passing, text, word
from watchword.server.web.api.route import Call, Paged, Paging, Query, Route
from watchword.server.web.api.wire import as_json

SEARCHED = ("id", "primary_email", "primary_phone", "username", "name")
_DIGITS = re.compile(r"[0-9]+\Z")
_WEB_URL = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?\Z", re.IGNORECASE)
_OTHER_URL = re.compile(r"(?!https?:)[a-z][a-z0-9+.\-]*:\S+\Z", re.IGNORECASE)


def _is_phone(value: str) -> bool:
    return _DIGITS.match(value) is not None


def _check_url(value: str) -> str:
    if value and not (_WEB_URL.match(value) or _OTHER_URL.match(value)):
        raise issue(validation="url", code="invalid_string", message="Invalid url")
    return value


AnyText = Annotated[str, text(least=0)]
Username = Annotated[str, passing(is_username, pattern=r"^[A-Za-z_]\w*$")]
Email = Annotated[AnyText, passing(is_email, pattern=r"^\S+@\S+\.\S+$")]
Phone = Annotated[str, passing(_is_phone, pattern=r"^\d+$")]
# An empty text clears the member.
UsernameOrNone = Annotated[str, passing(lambda it: not it or is_username(it), pattern=r"^([A-Za-z_]\w*)?$")]
EmailOrNone = Annotated[AnyText, passing(lambda it: not it or is_email(it), pattern=r"^(\S+@\S+\.\S+)?$")]
PhoneOrNone = Annotated[str, passing(lambda it: not it or _is_phone(it), pattern=r"^\d*$")]
Avatar = Annotated[AnyText, Check(_check_url, {"description": "A URL; an empty text stands for none."})]
Algorithm = Annotated[PasswordAlgorithm, word(PasswordAlgorithm)]


class Address(Body):
    """
    A postal address, as OpenID Connect has it.
    """

    formatted: AnyText = ""
    street_address: AnyText = ""
    locality: AnyText = ""
    region: AnyText = ""
    postal_code: AnyText = ""
    country: AnyText = ""


class Profile(Body):
    """
    What is known of a person, by OpenID Connect's names.
    """

    family_name: AnyText = ""
    given_name: AnyText = ""
    middle_name: AnyText = ""
    nickname: AnyText = ""
    preferred_username: AnyText = ""
    profile: AnyText = ""
    website: AnyText = ""
    gender: AnyText = ""
    birthdate: AnyText = ""
    zoneinfo: AnyText = ""
    locale: AnyText = ""
    address: Address = Address()


class CreateUser(Body):
    """
    What `POST /users` takes: a password in clear text, or its digest with the algorithm that made it, or neither.
    """

    username: Username = ""
    primary_email: Email = ""
    primary_phone: Phone = ""
    password: NonEmpty = ""
    password_digest: Annotated[str, text(least=0, most=256)] = ""
    password_algorithm: Algorithm | None = None
    name: AnyText = ""
    avatar: Avatar | None = None
    custom_data: dict[str, Any] = Field(default_factory=dict)
    profile: Profile = Profile()


class UpdateUser(Body):
    """
    What `PATCH /users/{userId}` takes; null and an empty text clear a member.
    """

    username: UsernameOrNone | None = None
    primary_email: EmailOrNone | None = None
    primary_phone: PhoneOrNone | None = None
    name: AnyText | None = None
    avatar: Avatar | None = None
    custom_data: dict[str, Any] = Field(default_factory=dict)
    profile: Profile = Profile()


class MergeCustomData(Body):
    """
    What `PATCH /users/{userId}/custom-data` takes: members to add or to replace.
    """

    custom_data: dict[str, Any]


def _list(call: Call[None]) -> Paged:
    if "excludeRoleId" in call.query and "excludeOrganizationId" in call.query:
        raise problems.invalid_input(
            "Parameters `excludeRoleId` and `excludeOrganizationId` cannot be used at the same time."
        )
    wanted = UserFilter(exclude_role_id=only(call.query, "excludeRoleId") or None)
    found = users.listing(call.acting, wanted, parse_search(call.query, SEARCHED), call.page)
    return Paged([{**as_json(user), **_password(user, call.query)} for user in found.records], found.total)


def _create(call: Call[CreateUser]) -> object:
    body = call.body
    random = call.acting.ctx.random
    new = NewUser(
        username=body.username,
        primary_email=body.primary_email,
        name=body.name,
        avatar=body.avatar,
        custom_data=body.custom_data,
        profile=_dump(body.profile),
        password=read_password(body.password, body.password_digest, body.password_algorithm, random),
        primary_phone=body.primary_phone and normalise_phone(body.primary_phone),
    )
    return as_json(users.create(call.acting, new))


def _read(call: Call[None]) -> object:
    user = users.read(call.acting, call.path["userId"])
    # Nobody has an enterprise identity here: the list is empty, and true.
    identities: dict[str, object] = {"ssoIdentities": []} if _asks(call.query, "includeSsoIdentities") else {}
    return {**as_json(user), **identities, **_password(user, call.query)}


def _update(call: Call[UpdateUser]) -> object:
    changes = call.body.given()
    if "profile" in changes:
        changes["profile"] = _dump(call.body.profile)
    if call.body.primary_phone:
        changes["primary_phone"] = normalise_phone(call.body.primary_phone)
    return as_json(users.update(call.acting, call.path["userId"], changes))


def _delete(call: Call[None]) -> None:
    users.delete(call.acting, call.path["userId"])


def _read_custom_data(call: Call[None]) -> object:
    return users.read(call.acting, call.path["userId"]).custom_data


def _merge_custom_data(call: Call[MergeCustomData]) -> object:
    return users.merge_custom_data(call.acting, call.path["userId"], call.body.custom_data)


def _password(user: User, query: Values) -> dict[str, object]:
    if not _asks(query, "includePasswordHash"):
        return {}
    return {"passwordDigest": user.password_digest, "passwordAlgorithm": user.password_algorithm}


def _asks(query: Values, name: str) -> bool:
    return is_true(only(query, name))


def _dump(profile: Profile) -> dict[str, Any]:
    return profile.model_dump(by_alias=True, exclude_unset=True)


_ONE = "/users/{userId}"
_WITH_HASH = Query(name="includePasswordHash", description="Whether each user comes with the digest of the password.")
ROUTES: Sequence[Route] = (
    Route(
        method="GET", path="/users", summary="List users", handler=_list,
        paging=Paging.ALWAYS, search=SEARCHED, answer="[User]",
        query=(
            Query(name="excludeRoleId", description="Only users without this role."),
            Query(name="excludeOrganizationId", description="Only users outside this organization."),
            _WITH_HASH,
        ),
    ),
    Route(
        method="POST", path="/users", summary="Create a user", handler=_create,
        body=CreateUser, answer="User",
    ),
    Route(
        method="GET", path=_ONE, summary="Read a user", handler=_read, answer="User",
        query=(
            Query(name="includeSsoIdentities", description="Whether enterprise identities are listed."),
            _WITH_HASH,
        ),
    ),
    Route(
        method="PATCH", path=_ONE, summary="Change a user", handler=_update, body=UpdateUser, answer="User",
    ),
    Route(method="DELETE", path=_ONE, summary="Delete a user", handler=_delete, status=204),
    Route(
        method="GET", path=_ONE + "/custom-data", summary="Read a user's custom data",
        handler=_read_custom_data, answer="CustomData",
    ),
    Route(
        method="PATCH", path=_ONE + "/custom-data", summary="Merge into a user's custom data",
        handler=_merge_custom_data, body=MergeCustomData, answer="CustomData",
    ),
)  # fmt: skip
