"""
SQLite, the embedded database: two files in the home.

Owns the connections to them and what only SQLite does; the queries of the families are elsewhere, the same for both
databases.
"""
