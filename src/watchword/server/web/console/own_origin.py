"""
Where the console is: its origin as browsers write it, and who comes to it by another name, or in clear.
"""

from urllib.parse import SplitResult, urlsplit

from watchword.protocol.endpoints import is_loopback
from watchword.server.web.requests import Networks, is_of

_USUAL_PORTS = {"http": 80, "https": 443}


def origin_of(endpoint: SplitResult) -> str:
    """
    Write an origin as browsers do: host in lower case, no port where it is the scheme's own.
    """
    host = endpoint.hostname or ""
    bare = f"[{host}]" if ":" in host else host
    is_usual = endpoint.port in {None, _USUAL_PORTS.get(endpoint.scheme)}
    return f"{endpoint.scheme}://{bare}" + ("" if is_usual else f":{endpoint.port}")


def is_other_name(host: str | None, endpoint: SplitResult) -> bool:
    """
    Tell whether a Host header names this machine otherwise than the endpoint does: `localhost` for `127.0.0.1`.

    No other difference counts: a proxy may put a name of its own in the place of a public one.
    """
    name, port = _read(host)
    is_same = name == endpoint.hostname
    return port == endpoint.port and not is_same and all(is_loopback(one) for one in (name, endpoint.hostname or ""))


def is_in_clear(host: str | None, peer: str | None, endpoint: SplitResult, proxies: Networks) -> bool:
    """
    Tell whether somebody has come over a network in clear, to an endpoint that is https or on loopback.

    To an https one they come past TLS: by another name, and through no known proxy. To one on loopback, where the
    server listens for all, they come by a name that is not this machine's; a port that is forwarded keeps it.

    Args:
        host: The Host header. A proxy that is not known, but leaves it as it came, is taken for one.
        peer: The address of the other end; None where it is a socket of this machine.
        proxies: Whose word counts, besides this machine's own.
    """
    if peer is None or is_loopback(peer) or is_of(peer, proxies):
        return False
    name, _ = _read(host)
    return name != endpoint.hostname if endpoint.scheme == "https" else not is_loopback(name)


def _read(host: str | None) -> tuple[str, int | None]:
    """
    Read a Host header: a name in lower case, and a port; no name where it can't be read.
    """
    try:
        named = urlsplit(f"//{host or ''}")
        return named.hostname or "", named.port
    except ValueError:
        return "", None
