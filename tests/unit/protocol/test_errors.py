"""
One class per registered code, with the status that its RFC gives it.
"""

import pytest

from watchword.protocol import errors


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        pytest.param(errors.InvalidRequest("x"), "invalid_request", 400, id="RFC 6749 §5.2 invalid_request"),
        pytest.param(errors.InvalidRequest("x", status=413), "invalid_request", 413, id="body too large"),
        pytest.param(errors.InvalidClient(detail="x", by_header=True), "invalid_client", 401, id="invalid_client"),
        pytest.param(errors.InvalidTarget("x"), "invalid_target", 400, id="RFC 8707 §2 invalid_target"),
        pytest.param(errors.UnsupportedGrantType(), "unsupported_grant_type", 400, id="unsupported_grant_type"),
        pytest.param(errors.AccessDenied("x"), "access_denied", 403, id="access_denied"),
        pytest.param(errors.TemporarilyUnavailable("x"), "temporarily_unavailable", 503, id="unavailable"),
        pytest.param(errors.TemporarilyUnavailable("x", throttled=True), "temporarily_unavailable", 429,
                     id="throttled"),
        pytest.param(errors.InvalidToken("x", reason="claim"), "invalid_token", 401, id="RFC 6750 §3.1"),
        pytest.param(errors.InsufficientScope(frozenset()), "insufficient_scope", 403, id="insufficient_scope"),
    ],
)  # fmt: skip
def test_code_and_status(error: errors.OAuthError, code: str, status: int) -> None:
    """
    Code and status of an error are its RFC's.
    """
    assert (error.error, error.status) == (code, status)


def test_failed_client_authentication_has_one_public_text() -> None:
    """
    Why a client was not authenticated is for the log alone: every cause reads alike.
    """
    causes = [errors.InvalidClient(detail=detail, by_header=False) for detail in ("unknown", "wrong secret")]
    assert {cause.description for cause in causes} == {"client authentication failed"}
    assert [str(cause) for cause in causes] == ["client authentication failed"] * 2
    assert [cause.detail for cause in causes] == ["unknown", "wrong secret"]
