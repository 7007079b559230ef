"""
Roles that give nothing, for what only needs one to be there.
"""

from watchword.server.domain.names import RoleType
from watchword.server.domain.records import Role
from watchword.server.operations import roles
from watchword.server.operations.operation import Acting
from watchword.server.operations.roles import NewRole


def make_role(local: Acting, name: str, role_type: RoleType = RoleType.MACHINE_TO_MACHINE) -> Role:
    """
    Make a role, which is recorded.
    """
    return roles.create(local, NewRole(name=name, description=name, type=role_type))
