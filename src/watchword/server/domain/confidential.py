"""
Values that carry something secret.
"""

import msgspec


class Confidential(msgspec.Struct, frozen=True):
    """
    A value that tells its type and nothing else where it is printed: in a traceback, or by a careless log line.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"
