"""
HTTP: what goes over the wire, and nothing of what it means.

Owns: routes, headers, bodies, error shapes, health. `app.py` is the table of contents; `errors.py` is the one place
where an exception becomes an answer.
"""
