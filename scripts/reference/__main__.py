"""
`python -m scripts.reference`: write the generated parts of docs/reference anew.
"""

import sys

from scripts.reference.pages import PAGES, fresh_text, path_of


def main() -> int:
    """
    Write the pages, or with `--check` only tell which are stale; return the exit code.
    """
    stale = [name for name in PAGES if path_of(name).read_text(encoding="utf-8") != fresh_text(name)]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"{name} is stale: run scripts/write-reference", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        path_of(name).write_text(fresh_text(name), encoding="utf-8")
        print(f"Wrote {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
