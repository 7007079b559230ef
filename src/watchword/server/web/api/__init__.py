"""
The Management API: one table of routes, and one order of checks for all of them.

`routes.py` is the table, a file per family holds its rows; `dispatch.py` runs a request through the order; `guard.py`
judges what a request carries; `openapi.py` writes the table down for others.
"""
