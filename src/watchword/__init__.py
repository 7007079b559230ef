"""
Watchword: an identity provider for machines.

Owns nothing itself: import from `watchword.client` (callers of APIs) or `watchword.protect` (owners of APIs). The
server lives in `watchword.server` and needs `watchword[server]`.
"""

__version__ = "0.1.0"
