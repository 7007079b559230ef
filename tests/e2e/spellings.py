"""
The ways in which a secret can show up in bytes: raw, halved, and in the encodings that programs apply on the way.

Owns: finding any of them. Leaves to the tests: which secrets there are, and where none may be.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

LONG_ENOUGH_TO_HALVE = 32


def leaks(data: bytes, secrets: Mapping[str, str | bytes]) -> list[str]:
    """
    Name what of the secrets stands in the data, and how it is spelled; the secrets themselves are not told.
    """
    return [
        f"{name}, {how}"
        for name, secret in secrets.items()
        for how, spelled in spellings(secret if isinstance(secret, bytes) else secret.encode())
        if spelled in data
    ]


def spellings(secret: bytes) -> Iterable[tuple[str, bytes]]:
    """
    Yield each spelling with its name.
    """
    yield "raw", secret
    yield "in hexadecimal", secret.hex().encode()
    yield "in capital hexadecimal", secret.hex().upper().encode()
    yield "percent-encoded all over", "".join(f"%{byte:02X}" for byte in secret).encode()
    yield "percent-encoded all over in small letters", "".join(f"%{byte:02x}" for byte in secret).encode()
    for shift in range(3):
        for how, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            yield f"in {how}, {shift} bytes into it", _in_base64(secret, shift, encode(b"\0" * shift + secret))
    if len(secret) >= LONG_ENOUGH_TO_HALVE:
        yield "its first half", secret[: len(secret) // 2]
        yield "its second half", secret[len(secret) // 2 :]
    if secret.isascii():
        text = secret.decode()
        yield "percent-encoded", quote(text, safe="").encode()
        yield "form-encoded", quote_plus(text).encode()
        yield "as JSON", json.dumps(text)[1:-1].encode()
        yield "as JSON in JSON", json.dumps(json.dumps(text))[3:-3].encode()


def _in_base64(secret: bytes, shift: int, encoded: bytes) -> bytes:
    """
    Return the characters that the secret alone decides, whatever stands before and after it.
    """
    return encoded[-(-8 * shift // 6) : 8 * (shift + len(secret)) // 6]
