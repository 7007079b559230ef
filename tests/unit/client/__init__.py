"""
The token source for callers, against a token endpoint in memory.
"""
