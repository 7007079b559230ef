"""
What an API owner imports stays light.
"""

import subprocess
import sys

import watchword.client
import watchword.protect

HEAVY = [
    "fastapi",
    "starlette",
    "pydantic",
    "sqlalchemy",
    "alembic",
    "typer",
    "uvicorn",
    "msgspec",
]


def test_light_packages_need_no_server_libraries() -> None:
    """
    Importing the client and the verifier loads none of the server's libraries, nor any framework.
    """
    program = (
        "import sys, watchword.client, watchword.protect; "
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), 'watchword.server' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[] False\n"


def test_exported_names_exist() -> None:
    """
    Every name that a package promises can be imported from it.
    """
    for package in (watchword.client, watchword.protect):
        assert sorted(package.__all__) == package.__all__
        assert all(hasattr(package, name) for name in package.__all__)
