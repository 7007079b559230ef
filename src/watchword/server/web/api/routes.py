"""
The table of the Management API. What is not here does not exist.
"""

from watchword.server.web.api import applications, resources, roles, status
from watchword.server.web.api.route import Table

TABLE = Table([*status.ROUTES, *applications.ROUTES, *resources.ROUTES, *roles.ROUTES])
