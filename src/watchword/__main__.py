"""
The `watchword` command. The light install has no command line: there it says what to install.
"""

import atexit
import gc
import importlib.util
import os
import signal
import sys

# So many new objects let Python look for garbage. With its own 700 it goes often through the modules that are being
# loaded, which stay: a fifth of a command's time, with one more look at the end. While serving it looks several times a
# batch, and finds requests that wait for their commit: a tenth of a token's time at sixteen connections.
_YOUNG_OBJECTS = 20_000


def main() -> None:
    """
    Run the command line.
    """
    # No plugin of another package is handed what is validated here, secrets among it; to look for some takes 12 ms.
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
    gc.set_threshold(_YOUNG_OBJECTS)
    atexit.register(gc.disable)
    if importlib.util.find_spec("typer") is None or importlib.util.find_spec("sqlalchemy") is None:
        sys.stderr.write("watchword: the command line comes with the server: pip install 'watchword[server]'\n")
        raise SystemExit(2)
    try:
        from watchword.cli import run

        run()
    except KeyboardInterrupt:  # while modules are still being loaded, say
        raise SystemExit(128 + signal.SIGINT) from None


if __name__ == "__main__":
    main()
