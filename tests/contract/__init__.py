"""
The wire contract, held against a running server over real sockets.

Owns: what clients see. Knows nothing of the server's code: every test sends bytes and reads bytes.
"""
