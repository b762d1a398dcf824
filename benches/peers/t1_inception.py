"""T1's comparison for inception_v3: ImgShare, OpenVINO, ONNX Runtime. It has no floor.

nsfwjs is left out: with twenty times the default model's work it would be waited for longest
and say least.
"""

import tempfile
from pathlib import Path
from statistics import median

import golden
import inception
import machine
import pictures
import product
import rounds
import runtimes
from record import Ratio, Record
from t1_infer import OURS, errors_against_f32, load_peers

MODEL = golden.INCEPTION_V3
SETTINGS = {"IMGSHARE_MODELS_DEFAULT": MODEL.name}
# An image is twenty of the default model's.
SECONDS = 4.0


def main() -> None:
    machine.keep_to(machine.N_CORES)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(work: Path) -> None:
    facts = machine.facts("openvino", "onnxruntime", "numpy")
    peers = load_peers(inception.export(product.weights(MODEL), work), MODEL)
    images = pictures.squares(MODEL)
    errors = errors_against_f32(peers, images, work, SETTINGS)
    ours = product.Inference(SECONDS, machine.N_CORES, SETTINGS)
    candidates = {OURS: ours.images_per_second}
    for peer in peers:
        candidates[peer.name] = lambda peer=peer: peer.images_per_second(images, SECONDS)
    figures = rounds.interleave(candidates)
    figures[OURS] = ours.figures()
    record = Record(
        target="t1_inception",
        title="CPU classification, inception_v3",
        work="Classification alone of 299x299 u8 pictures in memory; Inception v3 with the same "
        "weights everywhere, candidates measured in turns.",
        unit="images per second",
        facts=facts,
        figures=figures,
        ratios=ratios(figures),
        notes=[f"{name}: largest error against f32 {error:.2g}" for name, error in errors.items()],
        details={"errors": errors, "imgshare": ours.reports},
    )
    if "bf16" not in runtimes.openvino_precisions():
        record.notes.append("This CPU has no bf16 arithmetic, so OpenVINO ran in f32 only.")
    record.write()


def ratios(figures: dict[str, list[float]]) -> list[Ratio]:
    """Against the best of each peer and precision."""
    medians = {name: median(values) for name, values in figures.items()}
    kinds = ("OpenVINO f32", "OpenVINO bf16", "ONNX Runtime")
    best = []
    for kind in kinds:
        names = [name for name in medians if name.startswith(kind)]
        best += [max(names, key=medians.get)] if names else []
    return [Ratio(f"ImgShare : {name}", medians[OURS] / medians[name]) for name in best]


if __name__ == "__main__":
    main()
