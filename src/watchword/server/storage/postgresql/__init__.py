"""
PostgreSQL, where one machine is outgrown: any number of nodes on one database.

Owns the connections to it and what only PostgreSQL does; the queries of the families are elsewhere, the same for both
databases. Imported only where a home names a `database_url`.
"""
