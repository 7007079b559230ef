"""
The commands that speak to the Management API: a table of rows for each family.

Owns what they are called, what they send and what they show. Leaves to others: how a row becomes a command
(`build`), how it is carried out (`perform`), and how names become ids (`lookups`).
"""
