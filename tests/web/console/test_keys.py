"""
The room of the signing keys: what is published, and turning and dropping keys with a look ahead.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import ORIGIN, Browser, invited
from watchword.server.domain.names import OperatorRole
from watchword.server.domain.signing_keys import KeyState
from watchword.server.operations import signing_keys

if TYPE_CHECKING:
    from tests.support.clock import MovedClock
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

ROTATE = "/console/keys/rotate"


@pytest.fixture(autouse=True)
def _keys_are_new(local: Acting, clock: MovedClock) -> None:
    """
    Begin when the home was made: how long ago that was is a matter of the other tests.
    """
    clock.now = max(key.published_at for key in signing_keys.listing(local)) + timedelta(seconds=1)


def key_in(local: Acting, state: KeyState) -> str:
    """
    Return the id of the one key that is in a state.
    """
    (found,) = [key.id for key in signing_keys.listing(local) if key.status is state]
    return found


async def published(browser: Browser) -> list[str]:
    """
    Return the ids of the keys that verifiers get.
    """
    return [key["kid"] for key in (await browser.client.get("/oidc/jwks")).json()["keys"]]


async def test_page_says_which_key_signs_and_which_stands_by(local: Acting, owner: Browser) -> None:
    """
    And where verifiers get them.
    """
    page = (await owner.open("/console/keys")).text
    assert f">{ORIGIN}/oidc/jwks</code>" in page
    for state, text in ((KeyState.CURRENT, "signs now"), (KeyState.STANDBY, "stands by")):
        row = page.partition(f"<code>{key_in(local, state)}</code>")[2].partition("</tr>")[0]
        assert text in row


async def test_rotation_waits_until_verifiers_know_the_key(local: Acting, owner: Browser, clock: MovedClock) -> None:
    """
    The preview says when; asked twice, it is under way; from then on the page says so.
    """
    current, standby = key_in(local, KeyState.CURRENT), key_in(local, KeyState.STANDBY)
    page = (await owner.open(f"{ROTATE}?algorithm=ES256")).text
    assert page.index(current) < page.index(standby)
    assert "Rotate now" in page
    answer = await owner.send(ROTATE, algorithm="ES256", when="ready")
    assert answer.headers["location"] == "/console/keys"
    assert "The next key of ES256 signs from" in (await owner.open("/console/keys")).text
    assert key_in(local, KeyState.NEXT) == standby
    page = (await owner.open(f"{ROTATE}?algorithm=ES256")).text
    assert "That is under way" in page
    assert "Rotate when ready" not in page
    clock.move(seconds=311)
    page = (await owner.open("/console/keys")).text
    assert "retired" in page
    assert key_in(local, KeyState.CURRENT) == standby
    assert key_in(local, KeyState.PREVIOUS) == current


async def test_key_that_stood_by_for_long_enough_signs_at_once(
    local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    Then there is nothing to wait for, and no other way is offered.
    """
    clock.move(seconds=311)
    page = (await owner.open(f"{ROTATE}?algorithm=ES256")).text
    assert "It has stood by for long enough" in page
    assert "Rotate now" not in page
    standby = key_in(local, KeyState.STANDBY)
    await owner.send(ROTATE, algorithm="ES256", when="ready")
    assert key_in(local, KeyState.CURRENT) == standby
    assert "Another key of ES256 signs from now on." in (await owner.open("/console/keys")).text


async def test_rotation_at_once_waits_for_nobody(local: Acting, owner: Browser) -> None:
    """
    Where somebody wants that.
    """
    standby = key_in(local, KeyState.STANDBY)
    await owner.open(f"{ROTATE}?algorithm=ES256")
    await owner.send(ROTATE, algorithm="ES256", when="now")
    assert key_in(local, KeyState.CURRENT) == standby


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (KeyState.CURRENT, "signs from the very next token"),
        (KeyState.STANDBY, "Nothing was signed with this one"),
        (KeyState.NEXT, "The rotation is called off"),
        (KeyState.PREVIOUS, "Every token that it has signed is worthless"),
    ],
)
async def test_key_is_revoked_after_a_look_ahead(local: Acting, owner: Browser, state: KeyState, text: str) -> None:
    """
    In whatever state it is: verifiers no longer get it, and there are a current key and a standby as before.
    """
    if state in {KeyState.NEXT, KeyState.PREVIOUS}:
        signing_keys.rotate(local, None, at_once=state is KeyState.PREVIOUS)
    revoked = key_in(local, state)
    assert revoked in await published(owner)
    assert text in (await owner.open(f"/console/keys/{revoked}/revoke")).text
    assert (await owner.send(f"/console/keys/{revoked}/revoke")).status_code == 303
    assert revoked not in await published(owner)
    assert key_in(local, KeyState.CURRENT) != key_in(local, KeyState.STANDBY)
    assert (await owner.open(f"/console/keys/{revoked}/revoke")).status_code == 404
    await owner.open("/console/keys")
    assert (await owner.send(f"/console/keys/{revoked}/revoke")).status_code == 404


async def test_password_is_asked_for_before_keys_change(local: Acting, owner: Browser, clock: MovedClock) -> None:
    """
    Ten minutes after it was said last.
    """
    before = signing_keys.listing(local)
    await owner.open("/console/keys")
    clock.move(minutes=10)
    for path in (ROTATE, f"/console/keys/{before[0].id}/revoke"):
        assert "Your password, once more" in (await owner.send(path, algorithm="ES256", when="now")).text
    assert signing_keys.listing(local) == before


@pytest.mark.parametrize("algorithm", ["", "none", "HS256", "RS256"])
async def test_algorithm_that_signs_nothing_is_refused(owner: Browser, algorithm: str) -> None:
    """
    Neither shown nor turned.
    """
    assert (await owner.open(f"{ROTATE}?algorithm={algorithm}")).status_code == 422
    await owner.open("/console/keys")
    assert (await owner.send(ROTATE, algorithm=algorithm, when="now")).status_code == 422


async def test_viewer_sees_keys_and_no_way_to_change_them(app: Application, local: Acting) -> None:
    """
    The previews say what would happen, and have no button.
    """
    viewer = await invited(app, local, OperatorRole.VIEWER)
    key = key_in(local, KeyState.CURRENT)
    for path in ("/console/keys", f"{ROTATE}?algorithm=ES256", f"/console/keys/{key}/revoke"):
        page = (await viewer.open(path)).text
        assert key in page
        assert page.count('method="post"') == 1
