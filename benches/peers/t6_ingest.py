"""T6: whole ingest of phone photos on two cores, against a peer that stores nothing."""

import tempfile
from pathlib import Path

import machine
import network
import photos
import pillow_openvino
import product
import rounds
import runtimes
from record import Ratio, Record

SECONDS = 8.0
N_WORKERS = 2
FLOOR, AIM = 1.0, 2.0
OURS = "ImgShare, whole ingest, durable"


def main() -> None:
    machine.keep_to(machine.N_CORES)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(work: Path) -> None:
    facts = machine.facts("pillow", "openvino")
    paths = photos.large(work)
    precision = runtimes.openvino_best_precision()
    model = network.export(product.weights(), work)
    workers = pillow_openvino.Workers(model, precision, paths, N_WORKERS)
    theirs = f"Pillow draft mode + OpenVINO {precision}, {N_WORKERS} processes"
    details: list[dict] = []

    def ours() -> float:
        last = product.bench("ingest", "--seconds", str(SECONDS), *map(str, paths))
        # What each photo took alone is T5's matter.
        details.append({key: value for key, value in last.items() if key != "inputs"})
        return last["images_per_second"]

    figures = rounds.interleave({OURS: ours, theirs: lambda: workers.images_per_second(SECONDS)})
    workers.stop()
    medians = rounds.medians(figures)
    Record(
        target="t6",
        title="whole ingest, CPU only",
        work="ImgShare: decoded, stripped, verified, hashed, classified, durable in files and "
        f"sled. The peer: decoded at 1/8 and classified. {photos.description(paths)}.",
        unit="images per second",
        facts=facts,
        figures=figures,
        ratios=[Ratio("ImgShare : the peer", medians[OURS] / medians[theirs], FLOOR, AIM)],
        details={"imgshare": details},
    ).write()


if __name__ == "__main__":
    main()
