"""
The verifier for API owners, against an issuer in memory.
"""
