"""
Clients that others wrote, each in a file of its own, against a running server.

They stand for all programs that were written for OAuth 2.0, OpenID Connect or Logto: what they refuse is our fault.
"""
