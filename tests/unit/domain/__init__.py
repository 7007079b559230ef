"""
What the server decides, without a server.
"""
