"""
The history of `watchword.db`.
"""
