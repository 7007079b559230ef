"""
The command line, a file per group of commands.

Speaks one language, the Management API: over the network, or in process for the owner of a home. Only what makes or runs a
server touches the server's own parts.
"""

from watchword.cli.app import run

__all__ = ["run"]
