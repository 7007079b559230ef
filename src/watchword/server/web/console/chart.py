"""
A chart of bars that stand on each other: where each stands, for a template to draw.
"""

from collections.abc import Sequence

import msgspec

HEIGHT = 100.0
STEP = 10.0
_GAP = 2.0
_LEAST = 1.5  # of what is not nothing: it is seen beside thousands


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """
    A bar, in the units of the picture.

    Attributes:
        kind: Which of those that stand on each other it is.
    """

    kind: str
    x: float
    y: float
    width: float
    height: float


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """
    A picture.

    Attributes:
        highest: What a bar of full height stands for.
    """

    width: float
    height: float
    highest: int
    bars: Sequence[Bar]


def bars_of(kinds: Sequence[str], columns: Sequence[Sequence[int]]) -> Chart:
    """
    Draw columns of numbers, each upon the one before.

    Args:
        kinds: What the numbers of a column are, from below.
    """
    highest = max(map(sum, columns), default=0)
    bars: list[Bar] = []
    for place, column in enumerate(columns):
        floor = HEIGHT
        for kind, number in zip(kinds, column, strict=True):
            if not number:
                continue
            height = max(number / highest * (HEIGHT - _LEAST), _LEAST)
            floor -= height
            bars.append(
                Bar(
                    kind=kind,
                    x=place * STEP + _GAP / 2,
                    y=round(floor, 2),
                    width=STEP - _GAP,
                    height=round(height, 2),
                )
            )
    return Chart(width=len(columns) * STEP, height=HEIGHT, highest=highest, bars=bars)
