"""
Users as records at the Management API: formats, passwords, identifiers that must be free, default roles.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import argon2
import pytest

from watchword.server.domain import passwords
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import Problem
from watchword.server.operations import users

if TYPE_CHECKING:
    import httpx

    from watchword.server.context import Context

CLEAR = "correct horse 9Battery!"


async def created(api: httpx.AsyncClient, **body: object) -> dict[str, Any]:
    """
    Create a user.
    """
    answer = await api.post("/users", json=body)
    assert answer.status_code == 200, answer.text
    user: dict[str, Any] = answer.json()
    return user


async def with_hash(api: httpx.AsyncClient, user: dict[str, Any]) -> dict[str, Any]:
    """
    Read a user with the digest of the password.
    """
    shown: dict[str, Any] = (await api.get(f"/users/{user['id']}", params={"includePasswordHash": "true"})).json()
    return shown


@pytest.mark.parametrize(
    ("body", "member"),
    [
        pytest.param({"username": "1bad"}, "username", id="username begins with a digit"),
        pytest.param({"username": "a b"}, "username", id="username with a space"),
        pytest.param({"username": "ä"}, "username", id="username beyond ASCII"),
        pytest.param({"username": "a\n"}, "username", id="username with a line end"),
        pytest.param({"username": ""}, "username", id="empty username"),
        pytest.param({"username": None}, "username", id="username null"),
        pytest.param({"primaryEmail": "nope"}, "primaryEmail", id="e-mail without @"),
        pytest.param({"primaryEmail": "@x.example"}, "primaryEmail", id="e-mail without a name"),
        pytest.param({"primaryEmail": "a@example"}, "primaryEmail", id="e-mail without a dot"),
        pytest.param({"primaryEmail": "a@.example"}, "primaryEmail", id="e-mail with nothing before the dot"),
        pytest.param({"primaryEmail": "a@x."}, "primaryEmail", id="e-mail that ends in a dot"),
        pytest.param({"primaryEmail": "a b@x.example"}, "primaryEmail", id="e-mail with a space"),
        pytest.param({"primaryEmail": "a\0@x.example"}, "primaryEmail", id="e-mail with NUL"),
        pytest.param({"primaryPhone": "+4930"}, "primaryPhone", id="phone with a plus"),
        pytest.param({"primaryPhone": "٣٤"}, "primaryPhone", id="phone with other digits"),
        pytest.param({"password": ""}, "password", id="empty password"),
        pytest.param({"passwordDigest": "x" * 257}, "passwordDigest", id="long digest"),
        pytest.param(
            {"passwordDigest": "x", "passwordAlgorithm": "ROT13"}, "passwordAlgorithm", id="unknown algorithm"
        ),
        pytest.param({"avatar": "x"}, "avatar", id="avatar that is no URL"),
        pytest.param({"avatar": "https://"}, "avatar", id="avatar without a host"),
        pytest.param({"customData": [1]}, "customData", id="custom data that is no object"),
        pytest.param({"profile": {"nickname": 1}}, "profile.nickname", id="profile member that is no text"),
        pytest.param({"profile": {"address": "x"}}, "profile.address", id="address that is no object"),
    ],
)
async def test_malformed_member_is_refused(api: httpx.AsyncClient, body: dict[str, object], member: str) -> None:
    """
    What is not of its form is 400, and the answer names the member.
    """
    answer = await api.post("/users", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "guard.invalid_input")
    paths = {".".join(map(str, issue["path"])) for issue in answer.json()["data"]["issues"]}
    assert paths == {member}


async def test_long_row_of_at_signs_costs_no_time(api: httpx.AsyncClient) -> None:
    """
    Telling that a text is no e-mail address takes time in proportion to its length.
    """
    began = time.perf_counter()
    answer = await api.post("/users", json={"primaryEmail": "@" * 500_000})
    assert answer.status_code == 400
    assert time.perf_counter() - began < 2


async def test_unknown_profile_members_are_dropped(api: httpx.AsyncClient) -> None:
    """
    A profile keeps OpenID Connect's members that were given, and nothing else.
    """
    given = {"familyName": "F", "shoeSize": 46, "address": {"locality": "X", "planet": "Y"}}
    user = await created(api, profile=given)
    assert user["profile"] == {"familyName": "F", "address": {"locality": "X"}}


async def test_password_is_kept_as_argon2id(api: httpx.AsyncClient, ctx: Context) -> None:
    """
    The digest verifies, names its parameters, and the clear text is nowhere in the home.
    """
    user = await created(api, username="someone", password=CLEAR)
    assert user["hasPassword"] is True
    assert "passwordDigest" not in user
    shown = await with_hash(api, user)
    assert list(shown)[-2:] == ["passwordDigest", "passwordAlgorithm"]
    assert shown["passwordAlgorithm"] == "Argon2id"
    assert shown["passwordDigest"].startswith("$argon2id$v=19$m=8192,t=8,p=1$")
    assert argon2.PasswordHasher().verify(shown["passwordDigest"], CLEAR)
    held = b"".join(path.read_bytes() for path in ctx.settings.home.iterdir())
    assert CLEAR.encode() not in held


async def test_same_password_twice_has_two_digests(api: httpx.AsyncClient) -> None:
    """
    Every digest has a salt of its own.
    """
    first = await with_hash(api, await created(api, password=CLEAR))
    second = await with_hash(api, await created(api, password=CLEAR))
    assert first["passwordDigest"] != second["passwordDigest"]


async def test_user_without_password_has_null_digest(api: httpx.AsyncClient) -> None:
    """
    Asked for, both members are there and null.
    """
    shown = await with_hash(api, await created(api))
    assert (shown["hasPassword"], shown["passwordDigest"], shown["passwordAlgorithm"]) == (False, None, None)


async def test_identities_are_listed_when_asked(api: httpx.AsyncClient) -> None:
    """
    `includeSsoIdentities` adds a list, which is empty here.
    """
    user = await created(api)
    assert (await api.get(f"/users/{user['id']}?includeSsoIdentities=1")).json()["ssoIdentities"] == []


async def test_password_is_hashed_before_the_write_lock_is_taken(
    api: httpx.AsyncClient, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    50 ms of hashing keep no other writer waiting.
    """
    writing: list[int] = []
    hash_password = passwords.hash_password

    def spy(clear: str, random: Any) -> passwords.Password:  # noqa: ANN401 - handed on
        writing.append(ctx.database._writer.pool.checkedout())  # type: ignore[attr-defined]
        return hash_password(clear, random)

    monkeypatch.setattr(passwords, "hash_password", spy)
    await created(api, password=CLEAR)
    assert writing == [0]


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        pytest.param("MD5", "9dd4e461268c8034f5c8564e155c67a6", id="MD5"),
        pytest.param("Bcrypt", "$2b$12$abcdefghijklmnopqrstuv", id="Bcrypt"),
        pytest.param("Legacy", json.dumps(["sha256", ["salt", "@"], "00ff"]), id="Legacy"),
        pytest.param("Legacy", json.dumps(["pbkdf2", ["s", "1000", "20", "sha512", "@"], "0f"]), id="Legacy, pbkdf2"),
    ],
)
async def test_imported_digest_is_kept_as_it_came(api: httpx.AsyncClient, algorithm: str, digest: str) -> None:
    """
    A digest of another system stands beside the name of its algorithm.
    """
    user = await created(api, passwordDigest=digest, passwordAlgorithm=algorithm)
    assert user["hasPassword"] is True
    shown = await with_hash(api, user)
    assert (shown["passwordDigest"], shown["passwordAlgorithm"]) == (digest, algorithm)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"passwordDigest": "x"}, "user.password_algorithm_required", id="digest without algorithm"),
        pytest.param(
            {"password": "a", "passwordDigest": "x", "passwordAlgorithm": "MD5"},
            "user.password_and_digest",
            id="password and digest",
        ),
        pytest.param(
            {"passwordDigest": "x", "passwordAlgorithm": "Legacy"},
            "password.invalid_legacy_password_format",
            id="Legacy that is no JSON",
        ),
        pytest.param(
            {"passwordDigest": '["sha256","@","00"]', "passwordAlgorithm": "Legacy"},
            "password.invalid_legacy_password_format",
            id="Legacy whose arguments are no list",
        ),
        pytest.param(
            {"passwordDigest": '["rot13",["@"],"00"]', "passwordAlgorithm": "Legacy"},
            "password.unsupported_legacy_hash_algorithm",
            id="Legacy of an unknown algorithm",
        ),
    ],
)
async def test_contradictory_password_is_refused(api: httpx.AsyncClient, body: dict[str, str], code: str) -> None:
    """
    Nothing is stored of a user whose password makes no sense.
    """
    answer = await api.post("/users", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert (await api.get("/users")).headers["total-number"] == "0"


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        pytest.param({"username": "ann"}, {"username": "ann"}, "user.username_already_in_use", id="username"),
        pytest.param(
            {"primaryEmail": "Ann@x.example"},
            {"primaryEmail": "aNN@X.example"},
            "user.email_already_in_use",
            id="e-mail",
        ),
        pytest.param(
            {"primaryPhone": "61412345678"}, {"primaryPhone": "610412345678"}, "user.phone_already_in_use", id="phone"
        ),
    ],
)
async def test_identifier_of_another_user_is_refused(
    api: httpx.AsyncClient, first: dict[str, str], second: dict[str, str], code: str
) -> None:
    """
    Creating and changing alike: an identifier belongs to one user. One's own may be sent again.
    """
    holder = await created(api, **first)
    other = await created(api)
    for answer in (
        await api.post("/users", json=second),
        await api.patch(f"/users/{other['id']}", json=second),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await api.patch(f"/users/{holder['id']}", json=second)).status_code == 200


async def test_letter_case_parts_usernames(api: httpx.AsyncClient) -> None:
    """
    Usernames are compared letter by letter.
    """
    await created(api, username="ann")
    assert (await created(api, username="Ann"))["username"] == "Ann"


async def test_phone_is_kept_in_its_international_form(api: httpx.AsyncClient) -> None:
    """
    A trunk prefix is dropped, on creation and on change.
    """
    user = await created(api, primaryPhone="610412345678")
    assert user["primaryPhone"] == "61412345678"
    changed = await api.patch(f"/users/{user['id']}", json={"primaryPhone": "4403012345678"})
    assert changed.json()["primaryPhone"] == "443012345678"


@pytest.mark.parametrize("number", [pytest.param("1", id="short"), pytest.param("99912345678", id="no such country")])
async def test_phone_that_nobody_has_is_refused(api: httpx.AsyncClient, number: str) -> None:
    """
    Digits that make no number are 422, not 400: their form is right.
    """
    user = await created(api)
    for answer in (
        await api.post("/users", json={"primaryPhone": number}),
        await api.patch(f"/users/{user['id']}", json={"primaryPhone": number}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "user.invalid_phone")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"username": "a" * 129}, id="username"),
        pytest.param({"primaryEmail": "a" * 119 + "@x.example"}, id="e-mail"),
        pytest.param({"name": "ä" * 129}, id="name"),
        pytest.param({"avatar": "https://x.example/" + "a" * 2031}, id="avatar"),
    ],
)
async def test_value_longer_than_its_column_is_refused(api: httpx.AsyncClient, body: dict[str, str]) -> None:
    """
    A value that is too long is 422; one character less is stored.
    """
    answer = await api.post("/users", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "entity.value_too_long")
    (name, value), *_ = body.items()
    assert (await created(api, **{name: value[1:] if name != "avatar" else value[:-1]}))[name]


@pytest.mark.parametrize("nothing", [pytest.param("", id="empty"), pytest.param(None, id="null")])
async def test_empty_text_and_null_clear(api: httpx.AsyncClient, nothing: str | None) -> None:
    """
    A change clears what it sets to an empty text or null.
    """
    held = {"username": "ann", "primaryEmail": "a@x.example", "primaryPhone": "61412345678", "name": "A"}
    user = await created(api, **held, avatar="https://x.example/a.png")
    changed = await api.patch(f"/users/{user['id']}", json=dict.fromkeys([*held, "avatar"], nothing))
    assert changed.status_code == 200
    assert {changed.json()[name] for name in [*held, "avatar"]} == {None}


async def test_change_replaces_objects_and_moves_updated_at(api: httpx.AsyncClient, ctx: Context) -> None:
    """
    Profile and custom data are replaced whole; only `updatedAt` says that time has passed.
    """
    user = await created(api, customData={"a": 1}, profile={"nickname": "n", "locale": "en"})
    changed = (
        await api.patch(f"/users/{user['id']}", json={"customData": {"b": 2}, "profile": {"locale": "de"}})
    ).json()
    assert (changed["customData"], changed["profile"]) == ({"b": 2}, {"locale": "de"})
    assert changed["createdAt"] == user["createdAt"]
    with ctx.read("default", Actor(kind=ActorKind.LOCAL), Permission.ALL) as tx:
        stored = users.demand(tx, user["id"])
    assert stored.updated_at > stored.created_at


async def test_custom_data_is_merged_at_the_top(api: httpx.AsyncClient) -> None:
    """
    Members are added or replaced, others stay, and the answer is all of it.
    """
    user = await created(api, customData={"plan": {"a": 1}, "kept": True})
    path = f"/users/{user['id']}/custom-data"
    merged = await api.patch(path, json={"customData": {"plan": {"b": 2}, "none": None}})
    assert merged.json() == {"plan": {"b": 2}, "kept": True, "none": None}
    assert (await api.get(path)).json() == merged.json()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "/users/nope", None, id="read"),
        pytest.param("PATCH", "/users/nope", {"name": "a"}, id="change"),
        pytest.param("PATCH", "/users/nope", {}, id="change nothing"),
        pytest.param("DELETE", "/users/nope", None, id="delete"),
        pytest.param("GET", "/users/nope/custom-data", None, id="read custom data"),
        pytest.param("PATCH", "/users/nope/custom-data", {"customData": {}}, id="merge custom data"),
    ],
)
async def test_unknown_user_is_not_found(api: httpx.AsyncClient, method: str, path: str, body: object) -> None:
    """
    Whatever is asked of nobody is 404.
    """
    answer = await api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "entity.not_found")


async def test_change_of_nothing_is_refused(api: httpx.AsyncClient) -> None:
    """
    A change without a member that can be changed is 422.
    """
    user = await created(api)
    answer = await api.patch(f"/users/{user['id']}", json={"id": "x", "isSuspended": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "entity.invalid_input")


async def test_new_user_gets_the_default_roles(api: httpx.AsyncClient) -> None:
    """
    Default roles for users are attached on creation, and only those; lists of roles count them.
    """
    body = {"description": "d", "isDefault": True}
    given = (await api.post("/roles", json={**body, "name": "given"})).json()
    await api.post("/roles", json={**body, "name": "machine", "type": "MachineToMachine"})
    await api.post("/roles", json={"description": "d", "name": "other"})
    user = await created(api, name="Ann", avatar="https://x.example/a.png")
    held = {role["name"]: role for role in (await api.get("/roles")).json()}
    assert {name: role["usersCount"] for name, role in held.items() if role["usersCount"]} == {"given": 1}
    assert held["given"]["featuredUsers"] == [{"id": user["id"], "avatar": "https://x.example/a.png", "name": "Ann"}]
    others = (await api.get("/roles", params={"excludeUserId": user["id"], "type": "User"})).json()
    assert [role["name"] for role in others] == ["other"]
    assert (await api.get("/users", params={"excludeRoleId": given["id"]})).json() == []


async def test_deleted_user_is_no_longer_counted(api: httpx.AsyncClient) -> None:
    """
    A user goes with all roles.
    """
    await api.post("/roles", json={"name": "given", "description": "d", "isDefault": True})
    user = await created(api)
    assert (await api.delete(f"/users/{user['id']}")).status_code == 204
    assert (await api.get(f"/users/{user['id']}")).status_code == 404
    (role,) = (await api.get("/roles?search=given")).json()
    assert (role["usersCount"], role["featuredUsers"]) == (0, [])


def test_user_is_not_deleted_by_the_user(ctx: Context) -> None:
    """
    A user who asks to be deleted is refused, before anything is looked up.
    """
    with ctx.read("default", Actor(kind=ActorKind.LOCAL), Permission.ALL) as tx:
        tx.actor = Actor(kind=ActorKind.USER, id="me")
        with pytest.raises(Problem) as refused:
            users.delete.body(tx, "me")
    assert (refused.value.status, refused.value.code) == (400, "user.cannot_delete_self")


async def test_users_are_listed_newest_first_in_pages(api: httpx.AsyncClient) -> None:
    """
    The list comes in pages of 20 unless another size is asked, and is counted whole.
    """
    ids = [(await created(api))["id"] for _ in range(21)]
    first = await api.get("/users")
    second = await api.get("/users", params={"page": "2"})
    assert [user["id"] for user in first.json() + second.json()] == ids[::-1]
    assert (len(first.json()), first.headers["total-number"]) == (20, "21")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param("search=ann", ["ann"], id="whole value"),
        pytest.param("search=%25n%25", ["dan", "ann"], id="anywhere in any field"),
        pytest.param("search.primaryEmail=%25@X.EXAMPLE", ["dan", "ann"], id="e-mail, other case"),
        pytest.param("search.primaryPhone=614%25", ["ann"], id="phone"),
        pytest.param("search.username=dan&search.name=Ann&joint=and", [], id="both"),
        pytest.param("search.username=dan&search.name=Ann", ["dan", "ann"], id="either"),
        pytest.param("search.username=%5Ea&mode.username=posix", ["ann"], id="expression"),
    ],
)
async def test_users_are_searched(api: httpx.AsyncClient, query: str, found: list[str]) -> None:
    """
    Search looks at id, e-mail, phone, username and name.
    """
    await created(api, username="ann", name="Ann", primaryEmail="a@x.example", primaryPhone="61412345678")
    await created(api, username="dan", primaryEmail="d@x.example")
    answer = await api.get(f"/users?{query}")
    assert [user["username"] for user in answer.json()] == found
    assert answer.headers["total-number"] == str(len(found))


async def test_two_exclusions_at_once_are_refused(api: httpx.AsyncClient) -> None:
    """
    A role and an organization can't both be excluded.
    """
    answer = await api.get("/users?excludeRoleId=a&excludeOrganizationId=b")
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid_input")


async def test_log_tells_of_users_without_their_data(api: httpx.AsyncClient) -> None:
    """
    Every write is recorded; names, passwords and custom data stay out of the record.
    """
    user = await created(api, name="Ann Other", password=CLEAR, customData={"plan": "very private"})
    await api.patch(f"/users/{user['id']}", json={"name": "Bea Other"})
    await api.delete(f"/users/{user['id']}")
    log = await api.get("/logs")
    keys = [entry["key"] for entry in log.json() if entry["key"].startswith("User.")]
    assert keys == ["User.Deleted", "User.Data.Updated", "User.Created"]
    assert user["id"] in log.text
    assert not [word for word in ("Other", CLEAR, "very private") if word in log.text]


def test_start_up_does_not_pay_for_passwords_and_phones() -> None:
    """
    The libraries that hash passwords and know phone numbers are loaded by the first request that needs them.
    """
    program = "import sys, watchword.server.web.app; print(*{'argon2', 'phonenumbers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
