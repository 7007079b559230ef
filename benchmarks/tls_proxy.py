"""
Owns nginx as docs/how-to/behind-nginx.md sets it up: TLS in front of both servers, on the core that they have.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from benchmarks.pinned_server import HOST, PinnedServer, free_port
from benchmarks.watchword_under_test import clean_environment

# Each connection does the whole handshake, as those of many clients would: without tickets none is resumed.
_CONF = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {folder}/certificate.pem;
    ssl_certificate_key {folder}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off;
    server {{
        listen {host}:{ready};
        location / {{ return 200; }}
    }}
{sites}
}}
"""
_SITE = """
    upstream site_{port} {{
        server {upstream};
        keepalive 32;
    }}
    server {{
        listen {host}:{port} ssl;
        location / {{
            proxy_pass http://site_{port};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
"""


def has_nginx() -> bool:
    """
    Say whether this machine has nginx.
    """
    return shutil.which("nginx") is not None


@contextmanager
def serve_tls(origins: Sequence[str], core: int) -> Iterator[tuple[str, ...]]:
    """
    Run nginx on the given core, ready, with one TLS port for each origin; give the origins that it has instead.
    """
    with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as name:
        folder = Path(name)
        _write_certificate(folder)
        with _serve(origins, core, folder) as served:
            yield served


@contextmanager
def _serve(origins: Sequence[str], core: int, folder: Path) -> Iterator[tuple[str, ...]]:
    ready, ports = free_port(), [free_port() for _ in origins]
    sites = "".join(
        _SITE.format(host=HOST, port=port, upstream=origin.removeprefix("http://"))
        for port, origin in zip(ports, origins, strict=True)
    )
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, host=HOST, ready=ready, sites=sites))
    command = ["nginx", "-e", str(folder / "start.log"), "-p", str(folder), "-c", str(conf)]
    started = PinnedServer(
        command, cores=[core], port=ready, output=folder / "output.log", environment=clean_environment()
    )
    with started as server:
        server.wait_until_ready("/")
        yield tuple(f"https://{HOST}:{port}" for port in ports)


def _write_certificate(folder: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(private)
