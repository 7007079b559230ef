"""
Watchword's tests: unit, contract, storage and end to end, each in a folder of its own.
"""
