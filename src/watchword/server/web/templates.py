"""
Templates of HTML pages: strict about names, and all that is put in is escaped.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment_of(package: str) -> "Environment":
    """
    Make what renders the templates of a package, which lie in its folder `templates`.
    """
    # Loaded with the first page: who shows none starts sooner, and is smaller.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=PackageLoader(package), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
