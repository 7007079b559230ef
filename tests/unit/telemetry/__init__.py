"""
Unit tests of what the server tells of itself.
"""
