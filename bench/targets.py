"""A figure with its target, and the table of all of them.

To add a target: a row in TARGETS, and where the figure is measured the same key.
"""

import dataclasses

KIB, MIB = 1 << 10, 1 << 20

# Upper limits, by the key of the figure. Keys with a load hold for that load, those without for every other one.
TARGETS = {
    "binary": 800 * KIB,
    "crash image": 650 * KIB,
    "peak memory": 6 * MIB,
    "time / -c": 0.15,
    "time / -z": 0.45,
    "time / -l": 1.0,
    "size / -c": 0.45,
    "size / -z": 0.48,
    "size / -l": 0.35,
    "size / -z, idle": 0.75,
    "size / -c, idle": None,
    "size / -l, idle": None,
    "scan / plain read": 1.0,
    "two threads": 1 / 1.7,
    "protection / none": 1.15,
}


@dataclasses.dataclass
class Figure:
    """One measured figure. `value` in the unit of its target; `peer` is makedumpfile's, where it has one."""

    key: str
    subject: str  # vmcore, load or machine
    value: float
    unit: str  # "bytes", "s", "x", "ns" or "GB/s"
    peer: float = None
    peer_name: str = ""
    note: str = ""

    @property
    def target(self):
        """The upper limit, or None."""
        exact = f"{self.key}, {self.subject.split('-')[0]}"
        return TARGETS[exact] if exact in TARGETS else TARGETS.get(self.key)

    @property
    def distance(self):
        """How far above (positive) or below the target, as a fraction of it; None without a target."""
        return self.value / self.target - 1 if self.target else None

    def as_json(self):
        """A plain dictionary."""
        return dataclasses.asdict(self) | {"target": self.target, "distance": self.distance}


def text(value, unit):
    """The value as people write it."""
    if value is None:
        return ""
    if unit == "bytes":
        return f"{value / MIB:.2f} MiB" if value >= 2 * MIB else f"{value / KIB:.0f} KiB"
    return {"s": "{:.3f} s", "x": "{:.2f}x", "ns": "{:.2f} ns", "GB/s": "{:.1f} GB/s", "MB": "{:.1f} MB"}[unit].format(value)


def table(figures):
    """The figures as lines of a Markdown table."""
    rows = [("figure", "of", "warmdump", "makedumpfile", "target", "")]
    for figure in figures:
        peer = f"{text(figure.peer, figure.unit)} {figure.peer_name}".strip()
        verdict = "" if figure.distance is None else "met" if figure.distance <= 0 else f"{figure.distance:+.0%}"
        rows.append((figure.key, figure.subject, text(figure.value, figure.unit), peer,
                     text(figure.target, figure.unit), f"{verdict} {figure.note}".strip()))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return lines
