"""
The logs as chains: which numbers are closed, seals, counts by hour, retention, and reading in order.

Owns everything that is kept beside a log. Leaves out the lists of the Management API (`storage/logs.py`), which read
the counts, and what a head is made of (`domain/log_chain.py`).
"""
