"""
Checks: what should come back, what did, and whether all of it was right in the end.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from watchword.cli.quickstart.printing import Printer

_CHALLENGE = re.compile(r"Bearer(?:\s|$)", re.IGNORECASE)
_PARAMETER = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """
    One thing that was looked at.
    """

    name: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """
    What an answer should be.

    Attributes:
        challenge: Parameters that `WWW-Authenticate: Bearer` must have; None stands for absent. Without a
            mapping there must be no such header.
    """

    status: int
    challenge: Mapping[str, str | None] | None = None


@dataclass(slots=True)
class Checks:
    """
    Looks at answers, says what it finds, and remembers it.
    """

    printer: Printer
    done: list[Check] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """
        Whether everything was right.
        """
        return all(check.passed for check in self.done)

    @property
    def failed(self) -> int:
        """
        How many things were not.
        """
        return sum(not check.passed for check in self.done)

    def answer(self, name: str, response: httpx.Response, expected: Expected) -> bool:
        """
        Hold an answer against what it should be.
        """
        return self.that(name, *differences(response, expected))

    def that(self, name: str, *wrong: str) -> bool:
        """
        Note a check; what is wrong is said, nothing wrong is a success.
        """
        self.done.append(Check(name=name, passed=not wrong))
        self.printer.row("FAILED" if wrong else "ok", f"{name}: {'; '.join(wrong)}" if wrong else name)
        return not wrong


def differences(response: httpx.Response, expected: Expected) -> list[str]:
    """
    Say in which ways an answer is not what it should be.

    Implements: RFC 6750 §3 (the header of a refusal, and its parameters).
    """
    found = []
    if response.status_code != expected.status:
        found.append(f"the status should be {expected.status} and is {response.status_code}")
    header = response.headers.get("www-authenticate")
    if expected.challenge is None:
        return found if header is None else [*found, f"there should be no WWW-Authenticate, and it is {header}"]
    if header is None or not _CHALLENGE.match(header):
        return [*found, f"WWW-Authenticate should begin with Bearer, and is {header or 'missing'}"]
    parameters = dict(_PARAMETER.findall(header))
    found += [
        f"{name} in WWW-Authenticate should be {wanted or 'absent'} and is {parameters.get(name, 'absent')}"
        for name, wanted in expected.challenge.items()
        if parameters.get(name) != wanted
    ]
    return found
