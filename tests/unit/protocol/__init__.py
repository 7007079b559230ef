"""
The RFC vocabulary by itself: tables of the RFCs and of the contract, and properties.
"""
