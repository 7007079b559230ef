"""
What docs/reference says of the code, made from the code: a file per page.

Owns: which part of which page is generated, and how. Leaves to others: all that stands around those parts.
"""
