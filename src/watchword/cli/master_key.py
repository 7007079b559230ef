"""
`watchword master-key`: the key that opens the database, moved on and tidied up while servers run.
"""

from watchword.cli.build import new_group
from watchword.cli.options import AsJson, Assent, Home

master_key = new_group("The master key, which opens what the database keeps sealed.")


@master_key.command()
def status(*, home: Home = None, as_json: AsJson = False) -> None:
    """
    Show the lines of the master key, and which of them wraps.
    """
    from watchword.cli.output import emit_json, say, show_table
    from watchword.server.bootstrap import open_ground
    from watchword.server.operations.master_key import list_lines
    from watchword.server.settings import resolve
    from watchword.server.storage.master_key import source

    settings = resolve({"home": home}).settings
    with open_ground(settings) as ground:
        lines = list_lines(ground)
    if as_json:
        members = [{"id": line.id, "wraps": line.wraps, "last": line.is_last} for line in lines]
        emit_json({"source": source(settings), "lines": members})
        return
    show_table(["LINE", "WRAPS"], [[line.id, "yes" if line.wraps else "no"] for line in lines])
    say(f"From {source(settings)}.")
    if not lines[-1].wraps:
        say("The last line wraps nothing yet: `watchword master-key rotate` moves on to it.")


@master_key.command()
def rotate(*, home: Home = None, as_json: AsJson = False) -> None:
    """
    Wrap the database's keys under a new line; servers may run meanwhile.

    The home's own master.key gets the line. A master key that is supplied must have it already, on every node.
    """
    from watchword.cli.output import emit_json, say
    from watchword.server.bootstrap import open_ground
    from watchword.server.operations import master_key as operations
    from watchword.server.settings import resolve
    from watchword.server.storage.master_key import source

    settings = resolve({"home": home}).settings
    with open_ground(settings) as ground:
        key_id = operations.rotate(ground)
    if as_json:
        emit_json({"source": source(settings), "wraps": key_id})
    say(f"Line {key_id} of {source(settings)} wraps now: put it into your backup of the master key.")
    say("`watchword master-key prune` removes the lines that wrap nothing, which older backups still need.")


@master_key.command()
def prune(
    *,
    home: Home = None,
    assent: Assent = False,
    as_json: AsJson = False,
) -> None:
    """
    Remove the lines that wrap nothing. A backup of the database from before the rotation can't be opened then.
    """
    from watchword.cli.failures import Failure
    from watchword.cli.output import agrees, emit_json, say
    from watchword.server.bootstrap import open_ground
    from watchword.server.operations import master_key as operations
    from watchword.server.settings import resolve
    from watchword.server.storage.master_key import source

    settings = resolve({"home": home}).settings
    question = "Remove all lines that wrap nothing? Backups from before the last rotation can't be opened then."
    if not (assent or agrees(question)):
        raise Failure("nothing was changed: answer y, or give --yes")
    with open_ground(settings) as ground:
        removed = operations.prune(ground)
    if as_json:
        emit_json({"source": source(settings), "removed": removed})
    say(f"Removed {', '.join(removed)}." if removed else "Every line wraps: there is nothing to remove.")


@master_key.command()
def generate() -> None:
    """
    Print a fresh line for a master key that is supplied. Whoever has it can open the database.
    """
    from watchword.cli.output import emit
    from watchword.server.storage.master_key import new_line

    emit(new_line().strip())
