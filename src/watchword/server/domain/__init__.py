"""
What this server decides. Pure: values and `now` go in, values come out.

Owns: the records, who has which authority, grants, client authentication, the form of secrets and ids, events.
Leaves to others: SQL, HTTP, clocks, randomness (it is handed random bytes), and everything that waits.
"""
