"""
What a record's values may be, whoever gives them. The Management API judges bodies before, in its validator's words.
"""

import re

from watchword.protocol.resource_indicators import is_registrable
from watchword.server.domain.problems import bad_value

LONGEST_INDICATOR = 2_000  # PostgreSQL's index of them takes no longer ones.
LONGEST_LIFETIME = 31_536_000  # seconds
_USERNAME = re.compile(r"[A-Za-z_][0-9A-Za-z_]*\Z")


def units(text: str) -> int:
    """
    Return the length of a text in UTF-16 units, which is how the reference counts.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_username(value: str) -> bool:
    """
    Tell whether a text may be a username.
    """
    return _USERNAME.match(value) is not None


def is_email(value: str) -> bool:
    """
    Tell whether a text has the form of an e-mail address.
    """
    # By hand, and not by a pattern: those that say the same are cubic on a long row of @.
    if any(character.isspace() for character in value):
        return False
    at = value.find("@", 1)
    return at > 0 and value.find(".", at + 2, -1) > 0


def demand_text(member: str, value: object, *, what: str = "", most: int | None = None) -> None:
    """
    Demand a text that is there, and not too long.

    Args:
        member: Which one of a record it is.
        value: Nothing but texts is judged.
        what: What people call it, where that is something else.

    Raises:
        Problem: It is empty, or too long (422).
    """
    if not isinstance(value, str):
        return
    if not value:
        raise bad_value(f"The {what or member} is missing.", member)
    if most is not None and units(value) > most:
        raise bad_value(f"The {what or member} is too long: it may have {most} characters.", member)


def demand_indicator(value: str) -> None:
    """
    Demand what may become an API's identifier.

    Raises:
        Problem: It is no absolute URI without a fragment, or too long (422).
    """
    demand_text("indicator", value, what="API identifier", most=LONGEST_INDICATOR)
    if not is_registrable(value):
        raise bad_value(
            "The API identifier must be an absolute URI without a fragment, such as https://api.example.com.",
            "indicator",
        )


def demand_lifetime(value: object) -> None:
    """
    Demand a lifetime of tokens, in seconds; nothing but whole numbers is judged.

    Raises:
        Problem: It is too short or too long (422).
    """
    if isinstance(value, int) and not 1 <= value <= LONGEST_LIFETIME:
        raise bad_value(f"The token lifetime must be 1 to {LONGEST_LIFETIME} seconds.", "access_token_ttl")


def demand_username(value: object) -> None:
    """
    Demand a username; none is fine.

    Raises:
        Problem: It has another form (422).
    """
    if value and isinstance(value, str) and not is_username(value):
        raise bad_value("A username has letters of ASCII, digits and _, and does not begin with a digit.", "username")


def demand_email(value: object) -> None:
    """
    Demand an e-mail address; none is fine.

    Raises:
        Problem: It has another form (422).
    """
    if value and isinstance(value, str) and not is_email(value):
        raise bad_value("The e-mail address must look like ada@example.com.", "primary_email")
