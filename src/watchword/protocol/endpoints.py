"""
Base URLs of servers: which of them secrets, tokens and key sets may travel to.
"""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_ODD = re.compile(r"[\x00-\x20\x7f\\]")


def check_endpoint(url: str, *, allow_http: bool) -> None:
    """
    Demand an `https:` URL with nothing but host, port and path; `http:` passes for loopback hosts.

    Args:
        allow_http: Let `http:` pass for every host: whoever is on the way then reads secrets and tokens.

    Raises:
        ValueError: It is another kind of URL, or `http:` to another machine.

    Implements: RFC 6749 §3.2, RFC 6750 §5.3, RFC 8414 §2 (no query, no fragment).
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or _ODD.search(url):
        raise ValueError("the endpoint must be an absolute http or https URL")
    if parts.query or parts.fragment or parts.username is not None or url.endswith(("?", "#")):
        raise ValueError("the endpoint must have no user name, query or fragment")
    if parts.port == 0:  # reading it raises ValueError for what is no port number
        raise ValueError("the endpoint has no valid port")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname):
        raise ValueError("an http endpoint is only allowed on this machine; use https, or allow_http_endpoint")


def is_loopback(host: str) -> bool:
    """
    Tell whether a host name or address always means this machine.

    Implements: RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3.
    """
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
