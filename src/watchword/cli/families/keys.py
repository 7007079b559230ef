"""
`watchword keys`: the keys that sign tokens.
"""

from watchword.cli.rows import Row, option, subject
from watchword.protocol.names import Algorithm

_COLUMNS = ("id", "algorithm", "status", "publishedAt", "signsFrom", "signsUntil", "droppedAt")

ROWS = (
    Row(
        words="keys list", help="List the published keys: those that sign, those to come, those that have signed.",
        method="GET", path="/signing-keys", columns=_COLUMNS,
    ),
    Row(
        words="keys rotate",
        help="Let the standby key sign as soon as every verifier knows it; the list says from when on.",
        method="POST", path="/signing-keys/rotate",
        parameters=(
            option("algorithm", "Whose key. Default: what tokens are signed with unless an API resource has its own.",
                   kind=Algorithm),
            option("now", "At once, even if verifiers that keep keys don't know it yet.", kind=bool, default=False),
        ),
        columns=_COLUMNS,
    ),
    Row(
        words="keys revoke", help="Drop a stolen key at once; another one signs from now on.",
        method="DELETE", path="/signing-keys/{key}",
        parameters=(subject("key", "The key, by id."),),
        asks="Revoke key {key}? Every token that it has signed becomes worthless.", done="Revoked key {key}.",
    ),
)  # fmt: skip
