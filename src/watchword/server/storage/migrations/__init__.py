"""
The history of both schemas, forward only: `main` for `watchword.db`, `tokens` for `tokens.db`.

Hand-written, never edited once released. Alembic is imported only when a database is behind: it costs 150 ms.
"""
