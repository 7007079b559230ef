"""
`watchword settings`: what is in force, and where it comes from.
"""

from watchword.cli.options import AsJson, Home
from watchword.cli.output import emit, emit_json, show_members, show_table


def settings(*, home: Home = None, as_json: AsJson = False) -> None:
    """
    Show the settings in force, where each came from, and every path. Secrets are hidden.
    """
    from watchword.server.settings import resolve
    from watchword.server.settings.effective import effective, paths

    resolved = resolve({"home": home})
    held, issuer = effective(resolved.settings, resolved.origins), resolved.settings.issuer
    if as_json:
        emit_json(
            {
                "settings": {one.name: {"value": one.value, "from": one.origin} for one in held},
                "issuer": issuer,
                "paths": paths(resolved.settings),
            }
        )
        return
    show_table(["SETTING", "VALUE", "FROM"], [[one.name, one.text, one.origin] for one in held])
    emit("")
    show_members({"issuer": issuer, **paths(resolved.settings)})
