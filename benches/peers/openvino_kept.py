"""OpenVINO kept to an older instruction set than the CPU's newest, in a process of its own.

oneDNN, which computes for it, reads the limit once, from its environment.
"""

from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

import golden
import machine
import runtimes
from workers import Worker

LIMIT = "ONEDNN_MAX_CPU_ISA"


class KeptOpenVino:
    """OpenVINO in f32 with one of its hints, on what `limit` names and no newer instructions."""

    def __init__(self, model: Path, limit: str, throughput: bool, images: np.ndarray):
        self.worker = Worker(work, model, throughput, images, environment={LIMIT: limit})
        name, self.scores, self.kernels = self.worker.introduction
        self.name = name.replace("f32", f"f32 kept to {limit}")

    def images_per_second(self, seconds: float) -> float:
        self.worker.start(seconds)
        return self.worker.images_per_second()

    def named(self, word: str) -> list[str]:
        """Kernels that have `word` in their name, such as `avx512`."""
        return [kernel for kernel in self.kernels if word in kernel]

    def stop(self) -> None:
        self.worker.stop()


def work(pipe: Connection, model: Path, throughput: bool, images: np.ndarray) -> None:
    """The process: says its name, scores and kernels, then measures until it is sent None."""
    peer = runtimes.OpenVino(model, "f32", throughput, machine.N_CORES)
    golden.require(peer.scores(golden.inputs()), golden.TOLERANCE_F32, peer.name)
    pipe.send((peer.name, peer.scores(images), peer.kernels()))
    while (seconds := pipe.recv()) is not None:
        pipe.send(peer.images_per_second(images, seconds))
