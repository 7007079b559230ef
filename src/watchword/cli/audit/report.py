"""
What a verification says.
"""

from collections.abc import Mapping, Sequence

from watchword.cli.failures import Failure
from watchword.cli.output import emit, emit_json, printable
from watchword.server.operations.audit import Finding
from watchword.server.operations.audit_stream import moment


def show(findings: Sequence[Finding], exported: Mapping[str, str], *, as_json: bool) -> None:
    """
    Say what was proved, and what was not.

    Raises:
        Failure: Something was not.
    """
    proven = {head for finding in findings for head in finding.proven}
    lost = [f"{head} (from {source})" for head, source in exported.items() if head not in proven]
    wrong = sum(len(finding.faults) + finding.more_faults for finding in findings)
    if as_json:
        emit_json({"ok": not (wrong or lost), "chains": [_members(each) for each in findings], "lostHeads": lost})
    else:
        for line in [line for finding in findings for line in _lines(finding)]:
            emit(printable(line))
    if wrong:
        raise Failure(f"the logs are not as they were sealed: {wrong} faults, told above")
    if lost:
        raise Failure(
            f"not part of the logs: the head {', '.join(lost)}: they were cut or rewritten since it was exported, "
            "or retention has dropped what it covers"
        )


def _lines(finding: Finding) -> list[str]:
    position, checkpoint = finding.position, finding.checkpoint
    state = "NOT PROVED" if finding.faults else "proved"
    dropped = 0 if checkpoint is None else checkpoint.position.last
    numbers = f"{finding.records} records from number {dropped + 1} to {position.last}"
    lines = [f"{finding.chain}: {state}: {numbers}, {finding.seals} seals"]
    if checkpoint is not None:
        lines.append(
            f"  retention dropped everything up to number {dropped}, seal {checkpoint.position.seal}, "
            f"on {moment(checkpoint.made_at)}"
        )
    lines.append(f"  head of seal {position.seal}: {position.head}" if position.seal else "  nothing is sealed yet")
    lines += [
        f"  the exported head {head} is seal {at.seal}, up to number {at.last}" for head, at in finding.proven.items()
    ]
    if finding.unsealed:
        lines.append(f"  {finding.unsealed} records are not sealed yet: nothing is said of them")
    lines += [f"  FAULT: {fault}" for fault in finding.faults]
    if finding.more_faults:
        lines.append(f"  FAULT: and {finding.more_faults} more")
    return lines


def _members(finding: Finding) -> dict[str, object]:
    position, checkpoint = finding.position, finding.checkpoint
    return {
        "chain": finding.chain,
        "seals": finding.seals,
        "records": finding.records,
        "seal": position.seal,
        "last": position.last,
        "head": position.head,
        "unsealed": finding.unsealed,
        "checkpoint": None
        if checkpoint is None
        else {
            "seal": checkpoint.position.seal,
            "last": checkpoint.position.last,
            "madeAt": moment(checkpoint.made_at),
        },
        "exportedHeads": [{"head": head, "seal": at.seal, "last": at.last} for head, at in finding.proven.items()],
        "faults": finding.faults,
        "moreFaults": finding.more_faults,
    }
