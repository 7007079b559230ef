"""
What the server keeps. Nothing else imports the SQL library.

Owns: the schema and its migrations, transactions, what changed since when, sealing, a file per family of rows.
Leaves to others: every decision. SQL fetches rows; it never says who may have what.
"""
