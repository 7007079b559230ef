"""
Single parts by themselves: no server, no network.
"""
