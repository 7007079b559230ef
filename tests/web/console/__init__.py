"""
The web in process: a real home and real tokens, the application called directly.
"""
