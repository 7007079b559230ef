"""
The pages at `/docs/errors`: what each error means and what to do about it.

Owns the catalogue of errors, from which these pages and the reference in the repository are made. Leaves to others:
raising an error, and the shape of its answer.
"""
