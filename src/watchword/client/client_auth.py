"""
How a client proves who it is to the token endpoint: a function per method.
"""

import base64
from urllib.parse import quote_plus

from watchword.protocol.credentials import ClientSecret


def basic(client_id: str, secret: ClientSecret) -> str:
    """
    Write the Authorization header of `client_secret_basic`.

    Implements: RFC 6749 §2.3.1 and Appendix B (both halves are form-encoded first), RFC 7617 §2.
    """
    pair = f"{quote_plus(client_id)}:{quote_plus(secret.value)}"
    return "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
