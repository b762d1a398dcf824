"""T5: from JPEG bytes to the classifier's input on one core, against libjpeg-turbo."""

import tempfile
import time
from pathlib import Path
from statistics import median

import machine
import photos
import product
import rounds
import turbojpeg
from record import Ratio, Record

# The stages between the bytes and the classifier's input. Upright, scrub and look prepare
# what is stored; the peer does nothing of the kind.
STAGES = ("sniff", "decode", "resize")
N_DECODES = 5
DENOMINATORS = (8, 4, 2, 1)
FLOOR, AIM = 1.3, 1.0
OURS = "ImgShare: sniff, decode, resize to 224"


def main() -> None:
    machine.keep_to(1)
    with tempfile.TemporaryDirectory() as folder:
        measure(photos.large(Path(folder)))


def measure(paths: list[Path]) -> None:
    facts = machine.facts()
    facts["peers"] = f"libturbojpeg0 {machine.debian_version('libturbojpeg0')}"
    decoder = turbojpeg.Decoder()
    files = [path.read_bytes() for path in paths]
    candidates = {OURS: lambda: ours(paths)}
    for denominator in DENOMINATORS:
        scale = f"1/{denominator}" if denominator > 1 else "full"
        candidates[f"libjpeg-turbo, {scale} decode"] = lambda d=denominator: theirs(
            decoder, files, d
        )
    figures = rounds.interleave(candidates)
    medians = rounds.medians(figures)
    peers = [name for name in candidates if name != OURS]
    Record(
        target="t5",
        title="JPEG bytes to classifier input",
        work=f"One core, files in memory; the mean over {photos.description(paths)}.",
        unit="milliseconds a photo",
        facts=facts,
        figures=figures,
        ratios=[
            Ratio(
                f"ImgShare's time : {peers[0]}",
                medians[OURS] / medians[peers[0]],
                FLOOR,
                AIM,
                lower_is_better=True,
            ),
            Ratio(f"ImgShare's time : {peers[-1]}", medians[OURS] / medians[peers[-1]]),
        ],
        notes=["libjpeg-turbo's figures are its decode alone, without a resize to the square."],
    ).write()


def ours(paths: list[Path]) -> float:
    """Mean over the photos of each stage's median time, run alone on one thread."""
    report = product.bench("ingest", "--seconds", "0", "--threads", "1", *map(str, paths))
    inputs = report["inputs"]
    return sum(one["alone_ms"][stage] for one in inputs for stage in STAGES) / len(inputs)


def theirs(decoder: turbojpeg.Decoder, files: list[bytes], denominator: int) -> float:
    """Mean over the photos of the median decode time."""
    total_ms = 0.0
    for jpeg in files:
        times = []
        for _ in range(N_DECODES):
            start = time.perf_counter()
            decoder.decode(jpeg, denominator)
            times.append((time.perf_counter() - start) * 1e3)
        total_ms += median(times)
    return total_ms / len(files)


if __name__ == "__main__":
    main()
