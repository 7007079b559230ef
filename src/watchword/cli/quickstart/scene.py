"""
What the steps of the demonstration share.
"""

from dataclasses import dataclass

import httpx

from watchword.cli.quickstart.checks import Checks
from watchword.cli.quickstart.places import Places
from watchword.cli.quickstart.printing import Printer
from watchword.cli.quickstart.tokens import TokenDesk


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """
    Where things are, how to get tokens, where to print, and what has been checked.
    """

    http: httpx.Client
    places: Places
    desk: TokenDesk
    printer: Printer
    checks: Checks
