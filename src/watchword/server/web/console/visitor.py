"""
Who visits a page, and what their browser has shown: cookies, the form that it sends, and that the form is ours.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from watchword.protocol.credentials import ClientSecret
from watchword.server.context import Context
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.events import Origin
from watchword.server.domain.operators import Operator, OperatorSession
from watchword.server.domain.problems import Problem
from watchword.server.operations.operation import Acting
from watchword.server.operations.operator_sessions import actor_of, lineage_of

PREFIX = "/console"
FORM_TOKEN = "form_token"
# What pages put into forms beside what people type: the password once more, and how a field was.
PASSWORD, WAS = "confirming_password", "was_"
_MOST_FIELDS = 1_000
Values = Mapping[str, Sequence[str]]


class Visitor(Confidential, frozen=True, kw_only=True):
    """
    A request for a page.

    Attributes:
        here: The page's own path, as it was asked for, without its query.
        path: Parameters of the path.
        session: None where nobody has signed in.
        operator: Whose session it is.
        notice: What the page before has to say.
        seed: What the browser's cookie carries: its session, or, before there is one, something random.
    """

    ctx: Context
    tenant_id: str
    origin: Origin
    here: str
    path: Mapping[str, str] = msgspec.field(default_factory=dict)
    query: Values = msgspec.field(default_factory=dict)
    form: Values = msgspec.field(default_factory=dict)
    session: OperatorSession | None
    operator: Operator | None
    seed: str
    notice: str = ""

    @property
    def acting(self) -> Acting:
        """
        Who acts: the operator that has signed in.
        """
        return Acting(ctx=self.ctx, tenant_id=self.tenant_id, actor=actor_of(self.own_operator, self.origin))

    @property
    def own_operator(self) -> Operator:
        """
        The operator that has signed in.
        """
        assert self.operator is not None  # noqa: S101 - such pages are for those who have signed in
        return self.operator

    @property
    def own_session(self) -> OperatorSession:
        """
        The session in which the operator has signed in.
        """
        assert self.session is not None  # noqa: S101 - as above
        return self.session

    @property
    def form_token(self) -> str:
        """
        What each form of this visitor's pages carries: nobody who does not know the cookie can make it.

        It stays when the password is said again, so that forms of other tabs stay good.
        """
        return self.ctx.keys.digest(ClientSecret(f"console-form\0{lineage_of(self.seed)}")).hex()

    @property
    def has_own_form(self) -> bool:
        """
        Whether the form that was sent is of this browser's own pages, and of this session.
        """
        return hmac.compare_digest(self.field(FORM_TOKEN).encode(), self.form_token.encode())

    def field(self, name: str) -> str:
        """
        Return what was typed into a field; nothing where it is not there.
        """
        return self.form.get(name, ("",))[0]

    def ticked(self, name: str) -> Sequence[str]:
        """
        Return all values of a field: of boxes that were ticked, of lists.
        """
        return self.form.get(name, ())

    def asked(self, name: str) -> str:
        """
        Return a parameter of the page's address; nothing where it is not there.
        """
        return self.query.get(name, ("",))[0]


class Cookies(msgspec.Struct, frozen=True):
    """
    The names of the console's cookies, and how they are set. Over https no other host can set them: `__Host-`.
    """

    is_secure: bool

    @property
    def session(self) -> str:
        """
        The cookie of a session.
        """
        return self._prefix + "watchword-session"

    @property
    def notice(self) -> str:
        """
        The cookie that takes a word from a form to the page behind it.
        """
        return self._prefix + "watchword-notice"

    @property
    def form(self) -> str:
        """
        The cookie that stands for a browser before there is a session.
        """
        return self._prefix + "watchword-form"

    def set(self, name: str, value: str) -> tuple[bytes, bytes]:
        """
        Write the header that sets a cookie until the browser is closed; an empty value deletes it.
        """
        secure = "; Secure" if self.is_secure else ""
        over = "" if value else "; Max-Age=0"
        return b"set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{over}".encode("ascii")

    @property
    def _prefix(self) -> str:
        return "__Host-" if self.is_secure else ""


def read_cookies(headers: Sequence[str]) -> Mapping[str, str]:
    """
    Read the cookies that a browser sends.
    """
    # Not by the standard library, which drops all of them for one that it does not like: other servers of this host, on
    # other ports, set theirs for this one, too.
    pairs = (part.partition("=") for header in headers for part in header.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def read_values(text: str, what: str = "form") -> Values:
    """
    Read form parameters, of a body or of an address.

    Args:
        what: What people call it.

    Raises:
        Problem: They can't be read, or are too many (400).
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem("request.invalid_input", status=400, message=f"The {what} can't be read.") from None
    return values_of((name, value.replace("\0", "")) for name, value in pairs)


def values_of(fields: Iterable[tuple[str, str]]) -> Values:
    """
    Put fields together by their names.
    """
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name, []).append(value)
    return found


def fields_of(values: Values) -> Iterator[tuple[str, str]]:
    """
    Return the fields of a form one by one.
    """
    return ((name, value) for name, some in values.items() for value in some)
