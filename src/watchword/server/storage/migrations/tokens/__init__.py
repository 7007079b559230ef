"""
The history of `tokens.db`.
"""
