"""
The reason the program exists: the token request, what it remembers, and what it writes.

Owns: `issue_token`, the directory (what is true now) and the token log (what was done, durably).
Leaves to others: every rule, which is the domain's, and HTTP, which is the web room's.
"""
