"""Writes what was measured under `benches/record/`: a page to read and JSON to compare."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from statistics import median

import machine

FOLDER = machine.REPOSITORY / "benches" / "record"


@dataclass(frozen=True)
class Ratio:
    """A comparison; without a floor it stands beside the target, not for it.

    `value` is better when higher unless `lower_is_better`.
    """

    what: str
    value: float
    floor: float | None = None
    aim: float | None = None
    lower_is_better: bool = False

    def verdict(self) -> str:
        if self.floor is None or self.aim is None:
            return "for comparison"
        sign = -1 if self.lower_is_better else 1
        if sign * self.value >= sign * self.aim:
            return "aim reached"
        return "floor held" if sign * self.value >= sign * self.floor else "below the floor"


@dataclass
class Record:
    """One target measured once. `facts` are the machine's before it was."""

    target: str
    title: str
    work: str
    unit: str
    facts: dict[str, str]
    figures: dict[str, list[float]]
    ratios: list[Ratio]
    notes: list[str] = field(default_factory=list)
    details: dict = field(default_factory=dict)

    def write(self) -> None:
        """Writes both files and prints the page. A second run on one day replaces the first."""
        FOLDER.mkdir(exist_ok=True)
        day = datetime.now(UTC).strftime("%Y-%m-%d")
        path = FOLDER / f"{day}-{self.target}"
        page = self.page(day)
        path.with_suffix(".md").write_text(page)
        path.with_suffix(".json").write_text(json.dumps(self.as_json(day), indent=2) + "\n")
        print(page)

    def command(self) -> str:
        return f"benches/peers/run {self.target}"

    def page(self, day: str) -> str:
        lines = [f"# {self.target.upper()}: {self.title}", "", self.work, ""]
        lines += ["| | |", "|---|---|", f"| date | {day} |", f"| command | `{self.command()}` |"]
        lines += [f"| {key} | {value} |" for key, value in self.facts.items()]
        lines += [
            "",
            f"| {self.unit} | median | lowest | highest | runs |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| {name} | {significant(median(v))} | {significant(min(v))} "
            f"| {significant(max(v))} | {len(v)} |"
            for name, v in self.figures.items()
        ]
        lines += ["", "| ratio of the medians | | floor | aim | |", "|---|---|---|---|---|"]
        lines += [
            f"| {r.what} | {significant(r.value)} | {significant(r.floor)} "
            f"| {significant(r.aim)} | {r.verdict()} |"
            for r in self.ratios
        ]
        if self.notes:
            lines += ["", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"

    def as_json(self, day: str) -> dict:
        return {
            "target": self.target,
            "title": self.title,
            "date": day,
            "command": self.command(),
            "machine": self.facts,
            "unit": self.unit,
            "medians": {name: median(values) for name, values in self.figures.items()},
            "figures": self.figures,
            "ratios": [asdict(ratio) | {"verdict": ratio.verdict()} for ratio in self.ratios],
            "notes": self.notes,
            "details": self.details,
        }


def significant(value: float | None) -> str:
    """Three digits, thousands separated; more would claim more than five runs can show."""
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
