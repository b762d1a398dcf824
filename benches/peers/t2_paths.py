"""T2: classification on CPUs without AMX, on two cores: our paths against OpenVINO in f32."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

import machine
import network
import pictures
import product
import rounds
from openvino_kept import KeptOpenVino
from record import Ratio, Record

SECONDS = 2.0
FLOOR, AIM = 0.8, 1.3


@dataclass(frozen=True)
class Generation:
    """CPUs of an age: what OpenVINO may use there, and which of our paths they have."""

    limit: str
    # By the flag of the CPU that a path needs.
    paths: dict[str, str]
    # What no kernel of OpenVINO's may be named after.
    newer: str


GENERATIONS = (
    Generation("AVX2", {"avx2": "fma", "avx2-int16": "fma", "avx2-vnni": "avx_vnni"}, "avx512"),
    Generation("AVX512_CORE", {"avx512": "avx512bw", "avx512-vnni": "avx512_vnni"}, "amx"),
)


def main() -> None:
    machine.keep_to(machine.N_CORES)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(work: Path) -> None:
    facts = machine.facts("openvino", "numpy")
    generations = [g for g in GENERATIONS if paths_of(g)]
    images = pictures.squares()
    peers = load_peers(generations, network.export(product.weights(), work), images)
    reference = peers[generations[0].limit][0].scores
    own: dict[str, product.Inference] = {}
    candidates, errors = {}, {}
    for generation in generations:
        for path in paths_of(generation):
            own[path] = product.Inference(SECONDS, machine.N_CORES, forced(path))
            candidates[ours(path)] = own[path].images_per_second
            scores = product.scores(images, work / "pictures", forced(path))
            errors[ours(path)] = float(np.abs(scores - reference).max())
        for peer in peers[generation.limit]:
            candidates[peer.name] = lambda peer=peer: peer.images_per_second(SECONDS)
            errors[peer.name] = float(np.abs(peer.scores - reference).max())
    figures = rounds.interleave(candidates)
    figures |= {ours(path): inference.figures() for path, inference in own.items()}
    for peer in sum(peers.values(), []):
        peer.stop()
    Record(
        target="t2",
        title="CPU classification without AMX, default model",
        work="Classification alone of 224x224 u8 pictures in memory, as in T1; each path of "
        "ImgShare's forced by a setting, OpenVINO in processes that may use no newer "
        "instructions, candidates measured in turns.",
        unit="images per second",
        facts=facts,
        figures=figures,
        ratios=ratios(generations, peers, figures),
        notes=notes(generations, peers, errors),
        details={
            "errors": errors,
            "imgshare": {path: inference.reports for path, inference in own.items()},
            "kernels": {peer.name: peer.kernels for peer in sum(peers.values(), [])},
        },
    ).write()


def paths_of(generation: Generation) -> list[str]:
    """Those of its paths that this CPU has."""
    return [path for path, flag in generation.paths.items() if flag in machine.cpu_flags()]


def load_peers(
    generations: list[Generation], model: Path, images: np.ndarray
) -> dict[str, list[KeptOpenVino]]:
    """OpenVINO with both hints under each limit, checked to keep to it where it matters."""
    peers = {
        generation.limit: [
            KeptOpenVino(model, generation.limit, throughput, images)
            for throughput in (False, True)
        ]
        for generation in generations
    }
    for generation in generations:
        for peer in peers[generation.limit]:
            if any(kernel.startswith("Convolution") for kernel in peer.named(generation.newer)):
                raise SystemExit(f"{peer.name} does not keep to it: {peer.kernels}")
    return peers


def ours(path: str) -> str:
    return f"ImgShare, {path}"


def forced(path: str) -> dict[str, str]:
    return {"IMGSHARE_MODELS_CPU_PATH": path}


def ratios(
    generations: list[Generation],
    peers: dict[str, list[KeptOpenVino]],
    figures: dict[str, list[float]],
) -> list[Ratio]:
    """Each path against the better of the hints on a CPU of its age."""
    medians = {name: median(values) for name, values in figures.items()}
    found = []
    for generation in generations:
        best = max((peer.name for peer in peers[generation.limit]), key=medians.get)
        for path in paths_of(generation):
            ratio = medians[ours(path)] / medians[best]
            found.append(Ratio(f"{ours(path)} : {best}", ratio, FLOOR, AIM))
    return found


def notes(
    generations: list[Generation],
    peers: dict[str, list[KeptOpenVino]],
    errors: dict[str, float],
) -> list[str]:
    first = peers[generations[0].limit][0].name
    lines = [f"{name}: largest difference from the first {e:.2g}" for name, e in errors.items()]
    lines.insert(0, f"First of the peers, in f32 as all of them: {first}.")
    for generation in generations:
        for path in generation.paths.keys() - paths_of(generation):
            lines.append(f"This CPU does not have {path}.")
        peer = peers[generation.limit][0]
        convolutions = [kernel for kernel in peer.kernels if kernel.startswith("Convolution")]
        lines.append(f"Kept to {generation.limit}, OpenVINO says: {', '.join(convolutions)}.")
        if newer := peer.named(generation.newer):
            lines.append(f"Beyond {generation.limit} all the same: {', '.join(newer)}.")
    lines.append("OpenVINO's `mlas`, where it takes it, asks the CPU itself what there is.")
    return lines


if __name__ == "__main__":
    main()
