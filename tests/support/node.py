"""
Node.js for the tests: which executable runs them, and where their packages are.

Owns no decision: `scripts/setup-node` picks the Node.js, installs the npm packages as locked, notes its pick.
Scripts that import those packages stand in `tests/js`, where Node finds them.
"""

from pathlib import Path

NODE_MODULES = Path(__file__).resolve().parents[1] / "js" / "node_modules"
"""Where the npm packages of the tests are once `make setup-node` has run."""


class NodeIsNotSetUp(RuntimeError):
    """Node.js or the npm packages are missing, or Node.js has gone since they were installed."""

    def __init__(self) -> None:
        super().__init__("Node.js and the npm packages of the tests are missing: run `make setup-node`.")


def js_directory() -> Path:
    """The folder of the tests' Node scripts: run them with it as the current directory."""
    return NODE_MODULES.parent


def node_executable() -> str:
    """
    The path of the Node.js (22.14 or newer) that `make setup-node` has chosen.

    Raises:
        NodeIsNotSetUp: It has not run, or what it chose is gone.
    """
    try:
        path = NODE_MODULES.joinpath(".node").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise NodeIsNotSetUp from None
    if not Path(path).is_file():
        raise NodeIsNotSetUp
    return path
