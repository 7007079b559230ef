"""
The `watchword` command. The light install has no command line: there it says what to install.
"""

import importlib.util
import sys


def main() -> None:
    """
    Run the command line.
    """
    if importlib.util.find_spec("typer") is None or importlib.util.find_spec("sqlalchemy") is None:
        sys.stderr.write(
            "watchword: the command line comes with the server: pip install 'watchword[server]'\n"
        )
        raise SystemExit(2)
    from watchword.cli import run

    run()


if __name__ == "__main__":
    main()
