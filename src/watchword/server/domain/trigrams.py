"""
What a trigram index can tell of a search: which three letters in a row a record must have to be found.
"""

from collections.abc import Iterator

from watchword.server.domain.search import Joint, Match, Mode, Search, fold_case, unescape

Trigrams = tuple[str, ...]
_LENGTH = 3
_MOST = 16
# Some indexes don't know the letter case of what came late into Unicode: phonetic letters, and alphabets from there on.
_PHONETIC = range(0x250, 0x2B0)
_FIRST_LATE = 0x528
_LATE = frozenset({0x3F3})


def alternatives(search: Search) -> list[list[Trigrams]]:
    """
    Return the trigrams that a record must have for a search to find it.

    Returns:
        A list of conditions that must all hold; each holds where a record has all trigrams of one of its members.
        Empty where nothing can be told.
    """
    groups = [_of_group(group) for group in search.groups]
    if search.joint is Joint.AND:
        return [group for group in groups if group]
    merged = [trigrams for group in groups for trigrams in group]
    return [merged] if merged and all(groups) else []


def _of_group(group: tuple[Match, ...]) -> list[Trigrams]:
    found = [trigrams for match in group for trigrams in _of_match(match)]
    return found if all(found) else []


def _of_match(match: Match) -> list[Trigrams]:
    if match.mode is Mode.EXACT:
        return [_of_runs([value]) for value in match.values]
    if match.mode is Mode.LIKE:
        return [_of_runs(_literal_runs(match.values[0]))]
    return [()]


def _literal_runs(pattern: str) -> list[str]:
    runs = [""]
    for character, escaped in unescape(pattern):
        if character in "%_" and not escaped:
            runs.append("")
        else:
            runs[-1] += character
    return runs


def _of_runs(runs: list[str]) -> Trigrams:
    # Each that follows one taken has two letters in common with it: every third, and a run's last, cover all letters.
    covering = (
        trigram
        for run in runs
        if (there := list(_of_text(fold_case(run))))
        for trigram in (*there[:-1:_LENGTH], there[-1])
    )
    found = list(dict.fromkeys(covering))
    # A few from all over the pattern tell as much as hundreds, and cost less.
    return tuple(found[:: -(-len(found) // _MOST) or 1])


def _of_text(text: str) -> Iterator[str]:
    for start in range(len(text) - _LENGTH + 1):
        trigram = text[start : start + _LENGTH]
        if all(map(is_sure, trigram)):
            yield trigram


def is_sure(character: str) -> bool:
    """
    Tell whether an index surely knows all letters that are this one when letter case does not count.
    """
    number = ord(character)
    is_early = number < _FIRST_LATE and number not in _PHONETIC and number not in _LATE
    return is_early or character.lower() == character.upper()
