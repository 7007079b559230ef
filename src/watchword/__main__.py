"""
The `watchword` command. The light install has no command line: there it says what to install.
"""

import atexit
import gc
import importlib.util
import signal
import sys

# Most of what a command makes are modules, which stay until its end: to look for garbage at every 700 new objects, and
# once more at the end, is a fifth of its time.
_YOUNG_OBJECTS = 100_000


def main() -> None:
    """
    Run the command line.
    """
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
