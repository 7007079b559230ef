"""
Which form the long tests have: seconds in `make test`, the whole of it in `make soak`.
"""

from __future__ import annotations

import os

IS_LONG = os.environ.get("WATCHWORD_SOAK") == "1"
