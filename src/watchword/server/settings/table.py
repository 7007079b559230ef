"""
The table: everything that can be set, with its default, its meaning and its bounds.
"""

import ipaddress
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from watchword.protocol.endpoints import check_endpoint
from watchword.protocol.names import Algorithm

FILE_NAME = "watchword.toml"
_BASE_URL = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?\Z")
_METRICS_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{16,}=*\Z")  # RFC 6750 §2.1, and long enough


class SettingsError(Exception):
    """
    The settings can't be used. The text says which one, where it came from, and what to do.
    """


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def default_home() -> Path:
    """
    Return the platform's data folder for Watchword.
    """
    return platformdirs.user_data_path("watchword")


class Settings(BaseModel):
    """
    Everything that can be set, with its default and its meaning: the reference page is made from this table.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    home: Path = Field(
        default_factory=default_home,
        description="Folder with the database, the master key and `watchword.toml`.",
    )
    endpoint: str = Field(
        default="",
        description="Public base URL. The issuer is `<endpoint>/oidc`. Default: `http://127.0.0.1:<port>`.",
    )
    host: str = Field(default="127.0.0.1", description="Address that `serve` binds.")
    port: int = Field(default=3001, ge=1, le=65535, description="Port that `serve` binds.")
    workers: int = Field(default=1, ge=1, le=64, description="Server processes that share the port.")
    allow_http_endpoint: bool = Field(
        default=False,
        description="Accept an `http:` endpoint off loopback. Tokens and secrets then cross the network in clear.",
    )
    trusted_proxies: Annotated[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...], BeforeValidator(_split)] = (
        Field(
            default=(),
            description="Addresses or networks whose `X-Forwarded-For` counts, comma-separated.",
        )
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL database that all nodes share, as libpq writes it: `postgresql://…`, also with several "
        "hosts. Default: SQLite, in the home.",
    )
    database_pool_size: int = Field(
        default=8,
        ge=1,
        le=500,
        description="With PostgreSQL: how many connections of a worker may read, and how many write. It has two more.",
    )
    auto_migrate: bool = Field(
        default=True,
        description="Bring the database's schema up to date at start. Otherwise `watchword db migrate` does, run as a "
        "role that may.",
    )
    master_key: SecretStr | None = Field(
        default=None, description="Master key lines, `id:base64`, the last one wraps. Instead of a file."
    )
    master_key_file: Path | None = Field(
        default=None, description="File with the master key lines. Default: `HOME/master.key`."
    )
    signing_algorithm: Algorithm = Field(
        default=Algorithm.ES256,
        description="Signs the tokens of a new tenant: `ES256`, `ES384` or `RS256`. An API resource may have its own.",
    )
    signing_key_rotation_days: int = Field(
        default=0,
        ge=0,
        le=3660,
        description="After how many days a signing key hands over to the next by itself; `0` leaves it to "
        "`watchword keys rotate`.",
    )
    secret_reveal_hours: Annotated[int, Field(ge=0, le=24 * 366)] | Literal["forever"] = Field(
        default=24,
        description="How long a secret can be read back: `0` (only in the answer that made it) … `forever`.",
    )
    refusals_per_minute: int = Field(
        default=60,
        ge=1,
        le=1_000_000,
        description="Refusals of one application id from one address that have records of their own, in a minute. "
        "The others are counted, and failed authentications among them answered 429.",
    )
    space_for_tokens_mib: int = Field(
        default=1024,
        ge=0,
        le=1_048_576,
        description="Free space, in MiB, that refusals leave to the records of tokens; a tenth of the disk at most.",
    )
    token_log_retention_days: Annotated[int, Field(ge=1, le=36_600)] | Literal["forever"] = Field(
        default="forever",
        description="How long the records of tokens, issued and refused, are kept: a number of days, or `forever`.",
    )
    change_log_retention_days: Annotated[int, Field(ge=1, le=36_600)] | Literal["forever"] = Field(
        default="forever",
        description="How long the records of changes are kept: a number of days, or `forever`.",
    )
    directory_entries: int = Field(
        default=100_000,
        ge=100,
        le=10_000_000,
        description="How many applications a worker remembers, and as many roles and API resources; about 1.2 KB each. "
        "Others are read from the database when they ask for a token.",
    )
    request_log: bool = Field(default=True, description="Write one line to standard error for each request.")
    log_format: Literal["json", "console"] = Field(default="json", description="How log lines look.")
    metrics_token: SecretStr | None = Field(
        default=None, description="Bearer token that reads `/metrics`. Without one there is no such page."
    )
    traces: bool = Field(
        default=False,
        description="Send traces with OpenTelemetry, as the `OTEL_*` variables say. Needs `watchword[traces]`.",
    )
    header_timeout_seconds: int = Field(
        default=10, ge=1, le=600, description="How long the headers of a request may take to arrive."
    )
    token_body_timeout_seconds: int = Field(
        default=2, ge=1, le=600, description="How long the body of a token request may take to arrive."
    )
    body_timeout_seconds: int = Field(
        default=10, ge=1, le=600, description="How long the body of any other request may take to arrive."
    )
    idle_timeout_seconds: int = Field(
        default=75, ge=1, le=3600, description="How long a connection may wait for its next request."
    )
    shutdown_timeout_seconds: int = Field(
        default=30,
        ge=1,
        le=600,
        description="How long requests in flight may take to finish after a stop signal.",
    )

    @model_validator(mode="after")
    def _check_database_url(self) -> "Settings":
        url = self.database_url
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("database_url: it must be a postgresql:// URL")
        return self

    @model_validator(mode="after")
    def _check_master_key(self) -> "Settings":
        if self.master_key is not None and self.master_key_file is not None:
            raise ValueError("master_key: master_key_file is set as well: keep one")
        return self

    @model_validator(mode="after")
    def _check_metrics_token(self) -> "Settings":
        if self.metrics_token is not None and not _METRICS_TOKEN.match(self.metrics_token.get_secret_value()):
            raise ValueError(
                "metrics_token: it must be at least 16 letters, digits or -._~+/: take `openssl rand -hex 32`"
            )
        return self

    @model_validator(mode="after")
    def _check_endpoint(self) -> "Settings":
        try:
            check_endpoint(self.public_endpoint, allow_http=self.allow_http_endpoint)
        except ValueError as error:
            raise ValueError(f"endpoint: {error}") from None
        # It stands in headers, in tokens and in pages as it is written here.
        if not _BASE_URL.match(self.public_endpoint):
            raise ValueError(
                "endpoint: it must be a base URL: https:// or http:// in lower case, host and port, no path; "
                "a host with other letters than ASCII's is written in its xn-- form"
            )
        return self

    @cached_property
    def public_endpoint(self) -> str:
        """
        The endpoint in force, without a trailing slash.
        """
        return self.endpoint.rstrip("/") or f"http://127.0.0.1:{self.port}"

    @cached_property
    def issuer(self) -> str:
        """
        The issuer: the `iss` of every token.
        """
        return f"{self.public_endpoint}/oidc"

    @property
    def database(self) -> Path:
        """
        The SQLite file of the tables.
        """
        return self.home / "watchword.db"

    @property
    def token_database(self) -> Path:
        """
        The SQLite file of what the token path writes.
        """
        return self.home / "tokens.db"

    @property
    def key_file(self) -> Path:
        """
        The file of the master key.
        """
        return self.master_key_file or self.home / "master.key"

    @property
    def file(self) -> Path:
        """
        The settings file.
        """
        return self.home / FILE_NAME
