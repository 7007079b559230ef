"""
Tests of the token path: issuing, the directory, the token log.
"""
