"""
What people may name on the command line, by id or by another name of its own.
"""

from dataclasses import replace

from watchword.cli.rows import Reference

APPLICATION = Reference(
    noun="application", path="/applications", named_by=("name",), listed_by="apps list", searchable=True
)
ROLE = Reference(noun="role", path="/roles", named_by=("name",), listed_by="roles list", searchable=True)
USER = Reference(
    noun="user",
    path="/users",
    named_by=("username", "primaryEmail", "primaryPhone"),
    listed_by="users list",
    searchable=True,
)
RESOURCE = Reference(noun="API resource", path="/resources", named_by=("indicator", "name"), listed_by="resources list")
SCOPE_OF_RESOURCE = Reference(
    noun="scope",
    path="/resources/{resource}/scopes",
    named_by=("name",),
    listed_by="resources scopes list RESOURCE",
)
SCOPE_OF_ROLE = Reference(
    noun="scope of the role",
    path="/roles/{role}/scopes",
    named_by=("name",),
    listed_by="roles scopes list ROLE",
)
SCOPE = Reference(
    noun="scope",
    path="/resources",
    inside="scopes",
    named_by=("name",),
    listed_by="resources scopes list RESOURCE",
)
# In filters of the log: what is gone is known by its id alone.
APPLICATION_ONCE = replace(APPLICATION, lenient=True)
USER_ONCE = replace(USER, lenient=True)
