"""
The OAuth endpoints: token, keys, discovery, and the answer to everything else below `/oidc`.
"""
