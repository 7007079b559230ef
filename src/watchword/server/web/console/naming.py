"""
What things are called where people read: by their names, or by their ids where a name shows nothing.
"""

from collections.abc import Sequence
from unicodedata import bidirectional, category

# Letters and symbols by their category, which show nothing all the same: fillers of Hangul, and the blank of Braille.
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Letters, numbers, punctuation, symbols. Marks alone show nothing that one could read or point at.
_SEEN = frozenset("LNPS")
# What is written from right to left, or says in which way to write.
_TURNING = frozenset({"R", "AL", "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"})

_FEW = 3


def is_seen(name: str) -> bool:
    """
    Tell whether anything of a name is seen.
    """
    return any(category(one)[0] in _SEEN and one not in _BLANKS for one in name)


def called(name: str | None, otherwise: str) -> str:
    """
    Return what something is called.

    Args:
        otherwise: What to call it where nothing of its name is seen: its id, as a rule.
    """
    return name if name and is_seen(name) else otherwise


def isolated(text: str) -> str:
    """
    Keep a text that may turn what stands around it to itself, where no element can: in a title, or in a notice.
    """
    return "\u2068" + text + "\u2069" if any(bidirectional(one) in _TURNING for one in text) else text


def told(name: str | None, otherwise: str) -> str:
    """
    Return what something is called, to be told within a sentence where no element keeps it to itself.
    """
    return isolated(called(name, otherwise))


def quoted(name: str | None, otherwise: str = "") -> str:
    """
    Return what something is called, as a sentence names it.
    """
    return f"“{told(name, otherwise)}”"


def few(names: Sequence[str]) -> str:
    """
    Write the first of some names, and how many more there are.
    """
    more = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {more:,} more" if more > 0 else "")
