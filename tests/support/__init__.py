"""
What several test suites stand on: a running server, a small shop inside it, and exact comparison of answers.
"""
