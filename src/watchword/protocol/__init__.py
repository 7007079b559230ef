"""
The vocabulary and checks of the RFCs, for both sides of the wire.

Owns: protocol words, OAuth errors, scopes, resource indicators, request forms, strict JOSE, access-token
claims, metadata.
Leaves to others: I/O, clocks, randomness, storage, and every decision about who may have what. Everything
here takes and returns values.
"""
