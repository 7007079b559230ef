"""
Tests of the command line's pure parts, and of its commands on a home that is opened in this process.
"""
