"""
A home for each test, opened.
"""

from __future__ import annotations

from tests.support.home import ctx, home, made
from tests.support.shopping import shopping

__all__ = ["ctx", "home", "made", "shopping"]
