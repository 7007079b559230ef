"""
Which base URLs a secret may travel to.
"""

import pytest

from watchword.protocol.endpoints import check_endpoint, is_loopback


@pytest.mark.parametrize(
    "url",
    [
        "https://id.example.com",
        "https://id.example.com:8443/base",
        "https://[2001:db8::1]/x",
        "http://localhost:3001",
        "http://api.localhost",
        "http://LOCALHOST.",
        "http://127.0.0.1:3001/oidc",
        "http://127.8.9.10",
        "http://[::1]:3001",
    ],
)
def test_safe_endpoint_passes(url: str) -> None:
    """
    Plain http on this machine and https anywhere are safe.
    """
    check_endpoint(url, allow_http=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://0.0.0.0",
        "http://[::]",
    ],
)
def test_http_to_elsewhere_needs_leave(url: str) -> None:
    """
    Plain http to another machine is refused unless it was asked for by its unsafe name.
    """
    with pytest.raises(ValueError, match="http endpoint is only allowed on this machine"):
        check_endpoint(url, allow_http=False)
    check_endpoint(url, allow_http=True)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("id.example.com", id="no scheme"),
        pytest.param("ftp://id.example.com", id="another scheme"),
        pytest.param("https://", id="no host"),
        pytest.param("https:///path", id="no host but a path"),
        pytest.param("https://user@id.example.com", id="user"),
        pytest.param("https://:secret@id.example.com", id="password"),
        pytest.param("https://id.example.com?x=1", id="query"),
        pytest.param("https://id.example.com?", id="empty query"),
        pytest.param("https://id.example.com/#x", id="fragment"),
        pytest.param("https://id.example.com#", id="empty fragment"),
        pytest.param("https://id.example.com:99999", id="port too large"),
        pytest.param("https://id.example.com:0", id="port 0"),
        pytest.param("https://id.example.com:x", id="no number"),
        pytest.param("https://id.example.com/ x", id="blank"),
        pytest.param("http://127.0.0.1\\@id.example.com", id="backslash"),
        pytest.param("https://id.example.com\n", id="newline"),
        pytest.param("https://[::1", id="half an address"),
    ],
)
@pytest.mark.parametrize("allow_http", [False, True])
def test_odd_endpoint_is_refused(url: str, allow_http: bool) -> None:
    """
    What is no plain base URL is refused whatever else is allowed.
    """
    with pytest.raises(ValueError, match=r".+"):
        check_endpoint(url, allow_http=allow_http)


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "128.0.0.1", "::2", "127.0.0.1.example"])
def test_other_hosts_are_not_this_machine(host: str) -> None:
    """
    A name that only resembles a loopback host is none.
    """
    assert not is_loopback(host)
