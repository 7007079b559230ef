"""
The yardstick: the least that any Python token endpoint has to do, and nothing else.

A fixed ASGI application that reads the body, signs 350 bytes with ES256 the way a JWS needs it (raw r||s,
base64url) and answers 600 bytes. It checks nothing and knows nobody. Don't improve it: ratios are comparable
between versions only while it stays as it is.

Run it with uvicorn, uvloop and httptools: `uvicorn --factory benchmarks.sign_only_app:create_app`.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

Message = MutableMapping[str, Any]

SIGNED_BYTES = 350
ANSWER_BYTES = 600

# Stands for a token's header and claims: to the signature's cost only the length matters.
SIGNING_INPUT = (b"eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9." + b"c2lnbi1vbmx5" * 30)[:SIGNED_BYTES]

_SIGNATURE_BYTES = 86
_BEFORE = b'{"access_token":"' + SIGNING_INPUT + b"."
_REST = b'","expires_in":3600,"token_type":"Bearer","scope":"'
_SCOPE_BYTES = ANSWER_BYTES - len(_BEFORE) - _SIGNATURE_BYTES - len(_REST) - len(b'"}')
_AFTER = _REST + b"x" * _SCOPE_BYTES + b'"}'

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(ANSWER_BYTES).encode()),
    ],
}


def create_app() -> Callable[..., Awaitable[None]]:
    """
    Make the application, with a P-256 key of its own.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    es256 = ec.ECDSA(SHA256())

    async def app(
        scope: Message,  # noqa: ARG001 - it answers the same to whatever is asked
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        while (await receive()).get("more_body", False):
            pass
        r, s = decode_dss_signature(key.sign(SIGNING_INPUT, es256))
        signature = urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=")
        await send(_START)
        await send({"type": "http.response.body", "body": _BEFORE + signature + _AFTER})

    return app
