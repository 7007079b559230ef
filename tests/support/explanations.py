"""
Asking a server for an explanation.
"""

from typing import Any

from tests.support.server import RunningServer


def explain(server: RunningServer, application_id: str, **asked: str) -> dict[str, Any]:
    """
    Ask for an explanation.
    """
    answer = server.management.post("/explain", json={"applicationId": application_id, **asked})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body
