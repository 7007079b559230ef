"""
The table of the Management API. What is not here does not exist.
"""

from watchword.server.web.api import (
    applications,
    documents,
    explaining,
    logs,
    oidc_keys,
    resources,
    roles,
    signing_keys,
    status,
    user_roles,
    users,
)
from watchword.server.web.api.route import Table

_ROWS = (
    *status.ROUTES,
    *applications.ROUTES,
    *resources.ROUTES,
    *roles.ROUTES,
    *users.ROUTES,
    *user_roles.ROUTES,
    *logs.ROUTES,
    *explaining.ROUTES,
    *oidc_keys.ROUTES,
    *signing_keys.ROUTES,
)
TABLE = Table([*_ROWS, *documents.describing(_ROWS)])
