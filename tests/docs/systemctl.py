"""
A stand-in for systemd on a test's stage: it reads a unit as systemd does, as far as the pages go, and runs its program.

    systemctl daemon-reload | enable --now NAME | start NAME | restart NAME | stop NAME | reload nginx
    journalctl --unit NAME

What it does not know it refuses, so a unit can't hold a line that nothing here heeds.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

STOP_SECONDS = 20.0
# Heeded below, or only for a real system to heed: isolation, restarts and when to begin.
HEEDED = {"Environment", "ExecStart", "LoadCredential", "StateDirectory"}
ONLY_REAL = {
    *(
        "Description",
        "Documentation",
        "After",
        "Wants",
        "WantedBy",
        "Restart",
        "RestartSec",
        "DynamicUser",
        "LimitNOFILE",
    ),
    *("StateDirectoryMode", "UMask", "NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices"),
    *("ProtectKernelTunables", "ProtectKernelModules", "ProtectControlGroups", "RestrictAddressFamilies"),
    *("RestrictNamespaces", "RestrictSUIDSGID", "LockPersonality", "MemoryDenyWriteExecute", "SystemCallArchitectures"),
    *("CapabilityBoundingSet", "SystemCallErrorNumber", "SystemCallFilter", "TimeoutStopSec"),
}


def main(arguments: list[str]) -> None:
    """
    Do what the command line says.
    """
    root = Path(os.environ["STAGE"])
    match arguments:
        case ["journalctl", "--unit", name]:
            sys.stdout.write((root / "run" / f"{name}.log").read_text())
        case ["systemctl", "daemon-reload"]:
            pass
        case ["systemctl", "reload", "nginx"]:
            if not (root / "run/nginx.pid").exists():
                _spawn(root, "nginx", ["nginx", "-g", "daemon off;"], {})
            else:
                subprocess.run(["nginx", "-s", "reload"], check=True)
        case ["systemctl", "enable", "--now", name] | ["systemctl", "start", name]:
            _start(root, name)
        case ["systemctl", "restart", name]:
            _stop(root, name)
            _start(root, name)
        case ["systemctl", "stop", name]:
            _stop(root, name)
        case _:
            raise SystemExit(f"this stand-in does not know: {shlex.join(arguments)}")


def _start(root: Path, name: str) -> None:
    unit = _read_unit(root / "etc/systemd/system" / f"{name}.service")
    state = root / "var/lib" / unit["StateDirectory"][-1]
    state.mkdir(mode=0o700, exist_ok=True)
    credentials = root / "run/credentials" / f"{name}.service"
    credentials.mkdir(parents=True, exist_ok=True)
    for line in unit.get("LoadCredential", []):
        label, _, source = line.partition(":")
        (credentials / label).unlink(missing_ok=True)
        shutil.copy(source, credentials / label)
        (credentials / label).chmod(0o440)  # what systemd shows where an access control list lets the user in
    words = {"%S": str(root / "var/lib"), "%d": str(credentials), "%%": "%"}
    variables = dict(_filled(line, words).split("=", 1) for line in unit.get("Environment", []))
    if "LoadCredential" in unit:
        variables["CREDENTIALS_DIRECTORY"] = str(credentials)
    _spawn(root, name, shlex.split(_filled(unit["ExecStart"][-1], words)), variables)


def _read_unit(path: Path) -> dict[str, list[str]]:
    unit: dict[str, list[str]] = {}
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and line[0] not in "#;[":
            name, _, value = line.partition("=")
            if name not in HEEDED | ONLY_REAL:
                raise SystemExit(f"{path}: this stand-in does not know {name}")
            unit.setdefault(name, []).append(value.strip())
    return unit


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def _spawn(root: Path, name: str, command: list[str], variables: dict[str, str]) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WATCHWORD_")}
    with (root / "run" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, env=kept | variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    (root / "run" / f"{name}.pid").write_text(str(process.pid))


def _stop(root: Path, name: str) -> None:
    note = root / "run" / f"{name}.pid"
    process_id = int(note.read_text())
    note.unlink()
    os.kill(process_id, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    with suppress(FileNotFoundError, ProcessLookupError):
        while time.monotonic() < deadline and "(zombie)" not in Path(f"/proc/{process_id}/status").read_text():
            time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
