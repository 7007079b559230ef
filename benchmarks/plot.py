"""
Owns the picture: rates over connections, a line for each row, the sign-only app dashed.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # draws files, and needs no screen

from matplotlib import pyplot as plt

from benchmarks.figures import Report


def draw(report: Report, path: Path) -> None:
    """
    Write a PNG.
    """
    figure, axes = plt.subplots(figsize=(9, 5.5), dpi=120, layout="constrained")
    numbers = report.connections
    places = range(len(numbers))
    for row in report.rows:
        cells = [report.cell(row, number) for number in numbers]
        rates = [cell.tokens_per_second if cell else float("nan") for cell in cells]
        axes.plot(places, rates, marker="o", label=row.name)
    for (name, floor), colour in zip(report.floors().items(), ("black", "grey"), strict=False):
        axes.plot(places, [floor[number] for number in numbers], "--", marker=".", color=colour, label=name)
    axes.set_xticks(places, [str(number) for number in numbers])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("connections")
    axes.set_ylabel("answers per second")
    axes.set_title("Tokens per second, each recorded before it leaves")
    axes.grid(visible=True, axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)
