"""
The machine that a page believes to be on: its ports, its folders, its programs.

Pages name ports 3001 to 3003, folders of the system and the host id.example.com. Here they become free ports, folders
inside the test's own, and the loopback address; in what is printed they turn back. `sudo` runs what it is given, and
`systemctl` and `journalctl` are stand-ins for two services (`systemctl.py`); all other programs are the real ones.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.docs.pages import ROOT
from tests.support.node import NODE_MODULES, node_executable
from tests.support.server import clean_environment, free_port

if TYPE_CHECKING:
    from pathlib import Path

HOST = "id.example.com"
# Behind nginx, a caller has an address of its own.
_CALLER, _CALLER_SHOWN = "127.0.0.2", "203.0.113.7"
_PORTS = ("3001", "3002", "3003", "443")
_PORT = re.compile(r"\b(?:" + "|".join(_PORTS) + r")\b")
_SYSTEM = re.compile(r"(?<![\w./])/(etc|opt|run|var)/")
_QUICK_START = re.compile(r"\bwatchword quickstart\b")
_NGINX = """\
user {user};
pid {root}/run/nginx-master.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {root}/run/body;
    proxy_temp_path {root}/run/proxy;
    fastcgi_temp_path {root}/run/fastcgi;
    uwsgi_temp_path {root}/run/uwsgi;
    scgi_temp_path {root}/run/scgi;
    include {root}/etc/nginx/sites-enabled/*;
}}
"""


class Stage:
    """
    A machine of the reader's own, in a folder.

    Args:
        folder: Empty, and nobody else's.
    """

    def __init__(self, folder: Path) -> None:
        self._root = folder / "root"
        self._programs = folder / "programs"
        self.work = folder / "home" / "desk"
        self.notes = folder / "notes"
        for path in (self._programs, self.work, self.notes, *(self._root / name for name in ("etc", "run", "var/lib"))):
            path.mkdir(parents=True)
        self._free = {port: str(free_port()) for port in _PORTS}
        self._install_programs()
        (self.work / "node_modules").symlink_to(NODE_MODULES)
        self.environment = clean_environment({"port": self._free["3001"]}) | {
            "HOME": str(self.work.parent),
            "PATH": os.pathsep.join([str(self._programs), os.environ["PATH"]]),
            "STAGE": str(self._root),
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1,localhost",
            "NO_COLOR": "1",
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "80",
        }
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "CURL_HOME"):
            self.environment.pop(name, None)

    def adapt(self, text: str) -> str:
        """
        Turn what a page says into what is so here.
        """
        text = _QUICK_START.sub("watchword quickstart --port 3001 --api-port 3002", text)
        text = _PORT.sub(lambda found: self._free[found[0]], text)
        return _SYSTEM.sub(lambda found: f"{self._root}/{found[1]}/", text)

    def restore(self, text: str) -> str:
        """
        Turn what is printed here into what the reader sees.
        """
        text = text.replace(str(self._root), "").replace(str(self.work.parent), "~").replace(_CALLER, _CALLER_SHOWN)
        for port, free in self._free.items():
            text = re.sub(rf"\b{free}\b", port, text)
        return text

    def set_up_nginx(self) -> None:
        """
        Install nginx and a certificate for id.example.com, which curl trusts and finds on this machine.

        Raises:
            AssertionError: There is no nginx.
        """
        path = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"
        nginx = shutil.which("nginx", path=path)
        assert nginx, "nginx is missing: on Debian and Ubuntu, apt-get install nginx"
        for name in ("sites-available", "sites-enabled"):
            (self._root / "etc/nginx" / name).mkdir(parents=True)
        user = "root" if os.geteuid() == 0 else "nobody"
        configuration = self._root / "etc/nginx/nginx.conf"
        configuration.write_text(_NGINX.format(user=user, root=self._root), encoding="utf-8")
        self._program("nginx", f'exec {nginx} -p {self._root} -e stderr -c {configuration} "$@"')
        certificates = self._root / "etc/letsencrypt/live" / HOST
        certificates.mkdir(parents=True)
        _make_certificate(certificates)
        (self.work.parent / ".curlrc").write_text(
            f"connect-to = {HOST}:443:127.0.0.1:{self._free['443']}\ncacert = {certificates}/fullchain.pem\n"
            f"interface = {_CALLER}\n",
            encoding="utf-8",
        )

    def _install_programs(self) -> None:
        for name in ("watchword", "python", "python3", "uvicorn"):
            self._program(
                name, f'exec {sys.prefix}/bin/{name} "$@"'
            )  # no link: Python finds its packages by its own path
        (self._programs / "node").symlink_to(node_executable())
        self._program("sudo", 'exec "$@"')
        for name in ("systemctl", "journalctl"):
            self._program(name, f'exec python -m tests.docs.systemctl {name} "$@"')
        environment = self._root / "opt/watchword"
        environment.parent.mkdir()
        environment.symlink_to(sys.prefix)

    def _program(self, name: str, line: str) -> None:
        path = self._programs / name
        path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        path.chmod(0o755)


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
            *("-days", "1", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )
