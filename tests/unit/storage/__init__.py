"""
Storage without a database.
"""
