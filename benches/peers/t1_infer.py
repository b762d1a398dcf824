"""T1: classification alone, from memory, on two cores: ImgShare, OpenVINO, ONNX Runtime, nsfwjs."""

import tempfile
from pathlib import Path
from statistics import median

import numpy as np

import golden
import machine
import network
import nsfwjs
import pictures
import product
import rounds
import runtimes
from record import Ratio, Record

SECONDS = 2.0
# What bf16 costs a peer is its own affair; a graph built wrongly is off by far more.
TOLERANCE = {"f32": golden.TOLERANCE_F32, "bf16": 0.05}
FLOOR, AIM = 1.0, 2.0
OURS = "ImgShare, CPU"


def main() -> None:
    machine.keep_to(machine.N_CORES)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(work: Path) -> None:
    facts = machine.facts("openvino", "onnxruntime", "numpy")
    model = network.export(product.weights(), work)
    peers = load_peers(model)
    images = pictures.squares()
    script = load_nsfwjs(images, work)
    errors = errors_against_f32(peers, images, work)
    errors[script.name] = float(np.abs(script.scores - peers[0].scores(images)).max())

    ours = product.Inference(SECONDS, machine.N_CORES)
    candidates = {OURS: ours.images_per_second}
    for peer in peers:
        candidates[peer.name] = lambda peer=peer: peer.images_per_second(images, SECONDS)
    candidates[script.name] = lambda: script.images_per_second(SECONDS)
    figures = rounds.interleave(candidates)
    figures[OURS] = ours.figures()
    script.stop()
    record = Record(
        target="t1",
        title="CPU classification, default model",
        work="Classification alone of 224x224 u8 pictures in memory; MobileNetV2 with the same "
        "weights everywhere, candidates measured in turns.",
        unit="images per second",
        facts=facts,
        figures=figures,
        ratios=[],
        notes=[f"{name}: largest error against f32 {error:.2g}" for name, error in errors.items()],
        details={"errors": errors, "imgshare": ours.reports},
    )
    record.ratios = ratios(record.figures, script.name)
    record.notes.append("nsfwjs: tfjs has no threads in Node, so it had a process for each core.")
    if "bf16" not in runtimes.openvino_precisions():
        record.notes.append("This CPU has no bf16 arithmetic, so OpenVINO ran in f32 only.")
    record.write()


def load_peers(model: Path, network: golden.Model = golden.MOBILENET_V2) -> list:
    """Every peer, each checked against the golden vectors."""

    def openvino(precision: str, throughput: bool) -> runtimes.OpenVino:
        return runtimes.OpenVino(model, precision, throughput, machine.N_CORES, network.side)

    peers = [runtimes.OnnxRuntime(model, batch, machine.N_CORES) for batch in (1, 8)]
    for precision in runtimes.openvino_precisions():
        for throughput in (False, True):
            peers.append(openvino(precision, throughput))
    for peer in peers:
        tolerance = TOLERANCE[getattr(peer, "precision", "f32")]
        golden.require(peer.scores(golden.inputs(network)), tolerance, peer.name, network)
    return peers


def load_nsfwjs(images: np.ndarray, work: Path) -> nsfwjs.NsfwJs:
    """nsfwjs, checked against the golden vectors, which come first among the images."""
    script = nsfwjs.NsfwJs(images, work, machine.N_CORES)
    golden.require(script.scores[: len(golden.EXPECTED)], TOLERANCE["f32"], script.name)
    return script


def errors_against_f32(
    peers: list, images: np.ndarray, work: Path, settings: dict[str, str] | None = None
) -> dict[str, float]:
    """Largest difference of any class from ONNX Runtime's f32, on the same pixels."""
    reference = peers[0].scores(images)
    everyone = {OURS: product.scores(images, work / "pictures", settings)}
    everyone |= {peer.name: peer.scores(images) for peer in peers[1:]}
    return {name: float(np.abs(s - reference).max()) for name, s in everyone.items()}


def ratios(figures: dict[str, list[float]], script: str) -> list[Ratio]:
    medians = {name: median(values) for name, values in figures.items()}
    best = max((name for name in medians if name.startswith("OpenVINO")), key=medians.get)
    onnx = max((name for name in medians if name.startswith("ONNX")), key=medians.get)
    return [
        Ratio(f"ImgShare : {best}", medians[OURS] / medians[best], FLOOR, AIM),
        Ratio(f"ImgShare : {onnx}", medians[OURS] / medians[onnx]),
        Ratio(f"ImgShare : {script}", medians[OURS] / medians[script]),
    ]


if __name__ == "__main__":
    main()
