"""
What is measured, and what it is held against. Each program here is run by its path; see README.md.
"""
