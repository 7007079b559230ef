"""
A form that comes when its session has ended: it waits in the page that lets in, and whoever has come in may send it.

Nothing of it is kept by the server. It is not sent by signing in: somebody else may sit there by now.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec

from watchword.server.web.console.once import ONCE
from watchword.server.web.console.visitor import FORM_TOKEN, PASSWORD, WAS, Values, Visitor, fields_of, values_of

# Where a form has something in one of them, it does not wait: it would stand in a page, to be read.
SECRET_FIELDS = frozenset({"password", "again", "old", "secret", PASSWORD})
_KEPT, _SENT = "kept.", "sent"
# Well within what may be sent by who has not signed in.
_MOST_BYTES, _MOST_FIELDS = 32 * 1024, 500
_Fields = Sequence[tuple[str, str]]


class WaitingForm(msgspec.Struct, frozen=True, kw_only=True):
    """
    A form that was not taken.

    Attributes:
        path: Where it was sent, below the console.
        fields: Names and values, in their order.
    """

    path: str
    fields: _Fields

    @property
    def carried(self) -> _Fields:
        """
        The fields in which it waits, within another form.
        """
        return ((_SENT, self.path), *((_KEPT + name, value) for name, value in self.fields))

    @property
    def values(self) -> Values:
        """
        The form as a visitor's.
        """
        return values_of(self.fields)

    @property
    def told(self) -> _Fields:
        """
        What whoever typed it would know it by.
        """
        return tuple(
            (name, value) for name, value in self.fields if value and name != ONCE and not name.startswith(WAS)
        )


def form_that_waits(visitor: Visitor, path: str) -> WaitingForm | None:
    """
    Return the form that was sent; None where it is not of this browser's own pages, too long, or has something secret.

    Args:
        visitor: By the token of the session that has ended.
        path: Where it was sent, below the console.
    """
    fields = [(name, value) for name, value in fields_of(visitor.form) if name != FORM_TOKEN]
    is_long = len(fields) > _MOST_FIELDS or len(urlencode(fields)) > _MOST_BYTES
    has_secret = any(value for name, value in fields if name in SECRET_FIELDS)
    if is_long or has_secret or not visitor.has_own_form:
        return None
    return WaitingForm(path=path, fields=fields)


def waiting_in(form: Values) -> WaitingForm | None:
    """
    Return the form that waits within another; None where none does.
    """
    path = form.get(_SENT, ("",))[0]
    if not path:
        return None
    kept = [(name.removeprefix(_KEPT), value) for name, value in fields_of(form) if name.startswith(_KEPT)]
    return WaitingForm(path=path, fields=kept)
