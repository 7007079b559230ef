"""
Whole programs: real processes, real sockets, real clients.
"""
