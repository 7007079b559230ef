"""
Which tables have trigram indexes, and over which columns: those that lists are searched by.
"""

SEARCHED = {
    "applications": ("id", "name", "description"),
    "roles": ("id", "name", "description"),
    "users": ("id", "primary_email", "primary_phone", "username", "name"),
}
