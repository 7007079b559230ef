"""
Commands carried out on a real home: what they change, what they show, what they refuse.
"""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from watchword.cli.failures import FAILED, MISUSED, NOT_FOUND, Failure
from watchword.server.domain.names import RoleType

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.cli.conftest import Command


def make_shop(command: Command) -> None:
    """
    Make an API with two scopes, a role that gives one of them, and an application.
    """
    command.run("resources create", name="Shop", indicator="https://shop.api")
    command.run("resources scopes create", resource="https://shop.api", name="read:products")
    command.run("resources scopes create", resource="Shop", name="write:products", description="Write")
    command.run("roles create", name="reader", scope=["read:products"])
    command.run("apps create", name="shop sync", as_json=True)


def test_things_are_called_by_name(command: Command) -> None:
    """
    Names of applications, roles, scopes and resources do where ids would.
    """
    make_shop(command)
    assert command.run("apps roles add", app="shop sync", role=["reader"]) == ("", "Gave reader to shop sync.\n")
    assert [role["name"] for role in command.json("apps roles list", app="shop sync")] == ["reader"]
    assert [one["name"] for one in command.json("roles applications list", role="reader")] == ["shop sync"]
    command.run("roles scopes add", role="reader", scope=["write:products"])
    scopes = command.json("roles scopes list", role="reader")
    assert [scope["name"] for scope in scopes] == ["read:products", "write:products"]
    command.run("roles scopes remove", role="reader", scope=["read:products", "write:products"])
    assert command.json("roles scopes list", role="reader") == []


def test_id_counts_before_a_name(command: Command) -> None:
    """
    An application that is called like another's id is never meant by it.
    """
    first = command.json("apps create", name="first")
    second = command.json("apps create", name=first["id"])
    assert command.json("apps show", app=first["id"])["name"] == "first"
    assert second["name"] == first["id"]


def test_ambiguous_name_is_refused_with_the_ids(command: Command) -> None:
    """
    Nothing is done to one of two that share a name.
    """
    ids = {command.json("apps create", name="twin")["id"] for _ in range(2)}
    with pytest.raises(Failure) as refused:
        command.run("apps delete", app=["twin"])
    assert refused.value.code == MISUSED
    assert all(id_ in str(refused.value) for id_ in ids)
    assert len(command.json("apps list", search="twin")) == 2


def test_scope_that_two_apis_have_needs_its_api(command: Command) -> None:
    """
    A scope's name is unique in its API resource only.
    """
    make_shop(command)
    command.run("resources create", name="Stock", indicator="https://stock.api")
    command.run("resources scopes create", resource="Stock", name="read:products")
    with pytest.raises(Failure, match=r"https://stock\.api"):
        command.run("roles create", name="both", scope=["read:products"])
    command.run("roles create", name="stock reader", scope=["read:products"], resource="Stock")
    (scope,) = command.json("roles scopes list", role="stock reader")
    assert scope["resource"]["indicator"] == "https://stock.api"


@pytest.mark.parametrize(
    ("words", "values", "noun"),
    [
        pytest.param("apps show", {"app": "nobody"}, "application", id="application"),
        pytest.param("roles show", {"role": "nobody"}, "role", id="role"),
        pytest.param("resources show", {"resource": "https://nobody"}, "API resource", id="resource"),
        pytest.param("users show", {"user": "nobody"}, "user", id="user"),
        pytest.param("apps roles add", {"app": "First application", "role": ["nobody"]}, "role", id="role to give"),
        pytest.param(
            "resources scopes delete", {"resource": "management-api", "scope": ["nobody"]}, "scope", id="scope"
        ),
    ],
)
def test_unknown_thing_is_not_found(command: Command, words: str, values: dict[str, object], noun: str) -> None:
    """
    The message says which command shows what there is.
    """
    with pytest.raises(Failure, match=rf"there is no {noun} \S+: `watchword .* list") as refused:
        command.run(words, **values)  # type: ignore[arg-type]  # rows' own values
    assert refused.value.code == NOT_FOUND


def test_users_have_roles_from_either_side(command: Command) -> None:
    """
    What one of the two families of commands gives, the other one shows.
    """
    command.run("users create", username="ada")
    for name in ("reader", "writer"):
        command.run("roles create", name=name, type=RoleType.USER)
    assert command.run("users roles add", user="ada", role=["reader"])[1] == "Gave reader to ada.\n"
    assert [user["username"] for user in command.json("roles users list", role="reader")] == ["ada"]
    command.run("roles users add", role="writer", user=["ada"])
    assert [role["name"] for role in command.json("users roles list", user="ada")] == ["reader", "writer"]
    command.run("users roles set", user="ada", role=["writer"])
    command.run("roles users remove", role="writer", user=["ada"])
    assert command.json("users roles list", user="ada") == []
    with pytest.raises(Failure, match="roles list --type User"):
        command.run("users roles add", user="ada", role=["Logto Management API access"])


def test_empty_name_is_misuse(command: Command) -> None:
    """
    An unset variable of a script does not mean everything.
    """
    with pytest.raises(Failure, match="must not be empty"):
        command.run("apps delete", app=[""])


def test_hidden_role_is_found_by_its_id(command: Command) -> None:
    """
    What stands in no list can be read all the same.
    """
    assert command.json("roles show", role="admin-role")["name"] == "#internal:admin"


def test_first_secret_goes_into_json(command: Command) -> None:
    """
    A program gets the secret with the application.
    """
    secret = command.json("apps create", name="a")["secret"]
    assert secret.startswith("ww_")
    (listed,) = command.json("apps secrets list", app="a", reveal=True)
    assert listed["value"] == secret


def test_first_secret_goes_into_a_private_file_off_a_terminal(command: Command, home: Path) -> None:
    """
    Output that ends in a log holds no secret; the note says where it is.
    """
    out, err = command.run("apps create", name="a")
    (path,) = home.parent.glob("watchword-*.json")
    held = json.loads(path.read_text())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.name in err
    assert held["application_id"] in out
    assert held["application_secret"].startswith("ww_")
    assert held["application_secret"] not in out + err
    (listed,) = command.json("apps secrets list", app="a", reveal=True)
    assert listed["value"] == held["application_secret"]


def test_application_without_secrets_brings_none(command: Command, home: Path) -> None:
    """
    There is nothing to hand over.
    """
    command.run("apps create", name="spa", type="SPA")
    assert not list(home.parent.glob("watchword-*.json"))


def test_secret_is_created_listed_renamed_and_deleted(command: Command) -> None:
    """
    The life of a secret; its value is shown when it is made and on demand only.
    """
    command.run("apps create", name="a", as_json=True)
    made = command.json("apps secrets create", app="a", name="second", expires="90d")
    assert made["expiresAt"] > made["createdAt"]
    for as_json in (False, True):
        out, err = command.run("apps secrets list", app="a", as_json=as_json)
        assert made["value"] not in out + err
        assert made["value"][-4:] in out
    assert made["value"] in command.run("apps secrets list", app="a", reveal=True)[0]
    command.run("apps secrets rename", app="a", secret="second", name="third")
    command.run("apps secrets delete", app="a", secret=["third", "Default secret"])
    assert command.json("apps secrets list", app="a") == []


@pytest.mark.parametrize("name", ["..", ".", "a/b", "%2F", "?x", "#", " ", "ä\N{SNOWMAN}", "DEFAULT SECRET"])
def test_secret_with_an_odd_name_is_that_secret_and_nothing_else(command: Command, name: str) -> None:
    """
    No name leads elsewhere in the path: the application and its other secret stay.
    """
    command.run("apps create", name="a", as_json=True)
    command.run("apps secrets create", app="a", name=name, as_json=True)
    command.run("apps secrets delete", app="a", secret=[name])
    assert [secret["name"] for secret in command.json("apps secrets list", app="a")] == ["Default secret"]


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b"])
def test_name_that_would_lead_elsewhere_is_looked_for_and_not_followed(command: Command, name: str) -> None:
    """
    There is no such secret, and nothing is deleted in its place.
    """
    command.run("apps create", name="a", as_json=True)
    with pytest.raises(Failure):
        command.run("apps secrets delete", app="a", secret=[name])
    with pytest.raises(Failure):
        command.run("apps delete", app=[name])
    assert len(command.json("apps secrets list", app="a")) == 1


def test_custom_data_is_replaced_and_merged(command: Command) -> None:
    """
    `set` forgets what was there, `merge` keeps it; for applications and users alike.
    """
    command.run("apps create", name="a", as_json=True)
    command.run("users create", username="u")
    for words, subject in (("apps", {"app": "a"}), ("users", {"user": "u"})):
        command.run(f"{words} custom-data set", data='{"a": 1}', **subject)  # type: ignore[arg-type]
        command.run(f"{words} custom-data set", data='{"b": {"c": 1}}', **subject)  # type: ignore[arg-type]
        merged = command.json(f"{words} custom-data merge", data='{"d": null}', **subject)
        assert merged == {"b": {"c": 1}, "d": None}
        assert command.json(f"{words} custom-data get", **subject) == merged


def test_user_is_called_by_every_name_of_its_own(command: Command) -> None:
    """
    Id, user name, e-mail address in any case, phone number.
    """
    user = command.json("users create", username="ann", email="Ann@x.example", phone="4930901820", name="Ann")
    for name in (user["id"], "ann", "ann@X.example", user["primaryPhone"]):
        assert command.json("users show", user=name)["id"] == user["id"]
    with pytest.raises(Failure, match="there is no user Ann"):
        command.run("users show", user="Ann")


def test_update_changes_what_is_given_alone(command: Command) -> None:
    """
    What is not named stays, and an empty value clears.
    """
    command.run("apps create", name="a", description="d", as_json=True)
    command.run("apps update", app="a", name="b")
    assert command.json("apps show", app="b")["description"] == "d"
    assert command.json("apps update", app="b", description="")["description"] is None


def test_default_resource_is_set_and_unset(command: Command) -> None:
    """
    The flag has both senses.
    """
    command.run("resources create", name="Shop", indicator="https://shop.api")
    assert command.json("resources set-default", resource="Shop")["isDefault"] is True
    assert command.json("resources set-default", resource="Shop", on=False)["isDefault"] is False


def test_long_list_is_read_to_its_end(command: Command) -> None:
    """
    More records than a page holds are all shown, and a limit holds.
    """
    for number in range(103):
        command.run("users create", username=f"u{number}")
    assert len(command.json("users list")) == 103
    assert len({user["id"] for user in command.json("users list")}) == 103
    out, err = command.run("users list", limit=5)
    assert len(out.splitlines()) == 6
    assert err == "5 of 103 shown; --limit 103 shows all.\n"


def test_search_finds_text_anywhere_and_takes_no_wildcards(command: Command) -> None:
    """
    `_` and `%` are what they are.
    """
    for name in ("under_score", "underXscore", "100%"):
        command.run("apps create", name=name, as_json=True)
    assert [app["name"] for app in command.json("apps list", search="under_sc")] == ["under_score"]
    assert [app["name"] for app in command.json("apps list", search="%")] == ["100%"]
    assert [app["name"] for app in command.json("apps list", search="RXSCORE")] == ["underXscore"]


def test_log_says_who_did_what(command: Command) -> None:
    """
    A change by the command line is in the log, and filters hold, for an application that is gone too.
    """
    app = command.json("apps create", name="a")
    (entry,) = command.json("logs list", key="Application.Created")
    assert entry["payload"]["actor"] == {"type": "local"}
    assert command.json("logs show", entry=entry["id"])["id"] == entry["id"]
    assert command.json("logs list", until="1h") == []
    command.run("apps delete", app=["a"])
    assert command.json("logs list", app=app["id"]) == []
    out, _ = command.run("logs list", limit=1)
    assert "Application.Deleted" in out


@pytest.mark.parametrize(
    ("words", "values", "text", "code"),
    [
        pytest.param("roles create", {"name": "reader"}, "choose another name", FAILED, id="name taken"),
        pytest.param(
            "resources scopes create",
            {"resource": "Shop", "name": "a b"},
            "without spaces",
            MISUSED,
            id="space in scope",
        ),
        pytest.param(
            "resources create", {"name": "x", "indicator": "nonsense"}, "absolute URI", MISUSED, id="bad indicator"
        ),
        pytest.param(
            "resources delete", {"resource": ["management-api"]}, "belongs to the server", MISUSED, id="built in"
        ),
        pytest.param(
            "roles delete", {"role": ["Logto Management API access"]}, "belongs to the server", 4, id="built-in role"
        ),
        pytest.param(
            "apps secrets delete",
            {"app": "shop sync", "secret": ["x"]},
            "`watchword apps secrets list` shows",
            NOT_FOUND,
            id="no such secret",
        ),
        pytest.param("logs show", {"entry": "x"}, "`watchword logs list` shows", NOT_FOUND, id="no such entry"),
        pytest.param("keys revoke", {"key": "x"}, "`watchword keys list` shows", NOT_FOUND, id="no such key"),
        pytest.param(
            "apps secrets create",
            {"app": "shop sync", "name": "x", "expires": "2020-01-01T00:00:00Z"},
            "future",
            MISUSED,
            id="expired already",
        ),
        pytest.param("users create", {"username": "9"}, "username", MISUSED, id="bad user name"),
    ],
)
def test_refusal_says_what_to_do(command: Command, words: str, values: dict[str, object], text: str, code: int) -> None:
    """
    The server's own words come first, then what to do about it.
    """
    make_shop(command)
    with pytest.raises(Failure, match=f"(?i){text}") as refused:
        command.run(words, **values)  # type: ignore[arg-type]  # rows' own values
    assert refused.value.code == code, str(refused.value)


def test_deleting_several_deletes_none_when_one_is_unknown(command: Command) -> None:
    """
    All names are looked up before anything is deleted.
    """
    command.run("apps create", name="a", as_json=True)
    with pytest.raises(Failure):
        command.run("apps delete", app=["a", "nobody"])
    assert command.json("apps show", app="a")["name"] == "a"
