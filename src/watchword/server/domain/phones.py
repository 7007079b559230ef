"""
Phone numbers: one form for each, so that nobody registers the same one twice.
"""

import re

from watchword.server.domain.problems import Problem

_BETWEEN_DIGITS = re.compile(r"[\s()./-]")


def normalise_phone(digits: str) -> str:
    """
    Return a number in its international form, digits alone: country code first, no trunk prefix.

    Args:
        digits: Country code and number; a trunk prefix between them, as in `610412…` for `61412…`, is dropped.

    Raises:
        Problem: `user.invalid_phone` (422): no country has such numbers.
    """
    import phonenumbers  # noqa: PLC0415 - its tables cost time at start, and few requests carry a number

    try:
        number = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        raise _invalid() from None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


def read_phone(written: str) -> str:
    """
    Return a number as people write it, `+49 (30) 901820`, in its normal form.

    Raises:
        Problem: `user.invalid_phone` (422): it is none.
    """
    digits = _BETWEEN_DIGITS.sub("", written).removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise _invalid()
    return normalise_phone(digits)


def _invalid() -> Problem:
    return Problem("user.invalid_phone", status=422, message="Invalid phone number.", about="primary_phone")
