"""
The table of the Management API. What is not here does not exist.
"""

from watchword.server.web.api import applications, documents, logs, resources, roles, status, users
from watchword.server.web.api.route import Table

_ROWS = (
    *status.ROUTES,
    *applications.ROUTES,
    *resources.ROUTES,
    *roles.ROUTES,
    *users.ROUTES,
    *logs.ROUTES,
)
TABLE = Table([*_ROWS, *documents.describing(_ROWS)])
