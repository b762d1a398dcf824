"""Candidates measured in turns, so that a slow minute of the machine is everyone's."""

import sys
import time
from collections.abc import Callable
from statistics import median

N_ROUNDS = 5
# Lets a candidate's threads fall asleep before the next one starts.
PAUSE_SECONDS = 0.3


def interleave(
    candidates: dict[str, Callable[[], float]], n_rounds: int = N_ROUNDS
) -> dict[str, list[float]]:
    """The figures of each candidate, one a round."""
    figures: dict[str, list[float]] = {name: [] for name in candidates}
    for round_idx in range(n_rounds):
        for name, measure in candidates.items():
            figures[name].append(measure())
            print(
                f"  round {round_idx + 1}/{n_rounds}: {name}: {figures[name][-1]:.2f}",
                file=sys.stderr,
            )
            time.sleep(PAUSE_SECONDS)
    return figures


def medians(figures: dict[str, list[float]]) -> dict[str, float]:
    return {name: median(values) for name, values in figures.items()}
