"""
Tables, queries and files, on real SQLite files.
"""
