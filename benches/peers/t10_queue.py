"""T10: the moderators' queue and an upload in a store of a million images, beside one of 10 thousand.

There is no peer but the smaller store. `IMGSHARE_BENCH_QUEUE_JOBS` names another size.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import machine
import product
from record import Ratio, Record

FEW = 10_000
MANY = int(os.environ.get("IMGSHARE_BENCH_QUEUE_JOBS", "1000000"))
FLOOR, AIM = 1.5, 1.1
BANK_MS_FLOOR, BANK_MS_AIM = 1.0, 0.5
# Told of without being asked for: what happens at a start, and a search that costs what it compares.
FOR_COMPARISON = ("start", "likenesses")
# Its size does not follow the store's.
BANK = "hash bank"


def main() -> None:
    machine.keep_to(machine.N_CORES)
    facts = machine.facts()
    measured = bench()
    times = {(f["what"], f["n_images"]): f["times_ms"] for f in measured["figures"]}
    figures = {
        f"{what}: {n:,} images": ms
        for (what, n), ms in times.items()
        if not what.startswith(BANK)
    }
    ratios = []
    for what, n in times:
        if n != FEW:
            continue
        value = median(times[what, MANY]) / median(times[what, FEW])
        aims = (None, None) if what.startswith(FOR_COMPARISON) else (FLOOR, AIM)
        ratios.append(Ratio(f"{what}, {MANY:,} : {FEW:,}", value, *aims, lower_is_better=True))
    for (what, n), ms in times.items():
        if what.startswith(BANK):
            name = f"{what}, {n:,} hashes"
            figures[name] = ms
            ratios.append(
                Ratio(f"{name}: ms", median(ms), BANK_MS_FLOOR, BANK_MS_AIM, lower_is_better=True)
            )
    Record(
        target="t10",
        title="the queue and an upload, whatever the number of images",
        work=f"Two stores on disk in the same run, in turns: {FEW:,} images that wait in the "
        f"queue, and {MANY:,}. A page is 50 jobs with their images and views; an upload is what "
        "is waited for once it is classified: hash bank, file of 100 kB, record and job, durable.",
        unit="milliseconds",
        facts=facts,
        figures=figures,
        ratios=ratios,
        notes=measured["notes"],
    ).write()


def bench() -> dict:
    with tempfile.TemporaryDirectory(dir=product.work_folder()) as folder:
        figures = Path(folder) / "figures.json"
        environment = os.environ | {
            "IMGSHARE_BENCH_QUEUE_JOBS": str(MANY),
            "IMGSHARE_BENCH_FIGURES": str(figures),
            "TMPDIR": folder,
        }
        # All packages, so that nothing is built with other features.
        command = ["cargo", "bench", "--workspace", "--locked", "--bench", "queue"]
        subprocess.run(command, cwd=machine.REPOSITORY, env=environment, check=True)
        return json.loads(figures.read_text())


if __name__ == "__main__":
    main()
