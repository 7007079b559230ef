"""
Signing keys by instants: which key signs now, and which ones are published.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from watchword.protocol.jose import Signer
from watchword.protocol.names import Algorithm


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """
    One key and the instants between which it is published and signs. A state is the name of an interval.
    """

    kid: str
    algorithm: Algorithm
    public_jwk: Mapping[str, object]
    signer: Signer = field(repr=False)
    published_at: datetime
    signs_from: datetime
    signs_until: datetime | None
    dropped_at: datetime | None

    def is_published(self, now: datetime) -> bool:
        """
        Whether the JWKS shows it.
        """
        return self.published_at <= now and (self.dropped_at is None or now < self.dropped_at)

    def signs(self, now: datetime) -> bool:
        """
        Whether new tokens may be signed with it.
        """
        return (
            self.is_published(now) and self.signs_from <= now and (self.signs_until is None or now < self.signs_until)
        )


def current_key(keys: Iterable[SigningKey], algorithm: Algorithm, now: datetime) -> SigningKey | None:
    """
    Return the key that signs now: of those that may, the one that began last.
    """
    signing = [key for key in keys if key.algorithm is algorithm and key.signs(now)]
    if len(signing) == 1:
        return signing[0]
    return max(signing, key=lambda key: (key.signs_from, key.kid), default=None)


def published_keys(keys: Iterable[SigningKey], now: datetime) -> list[SigningKey]:
    """
    Return the keys that the JWKS shows, newest first.
    """
    shown = [key for key in keys if key.is_published(now)]
    return sorted(shown, key=lambda key: (key.signs_from, key.kid), reverse=True)
