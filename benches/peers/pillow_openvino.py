"""The peer of T6: processes that decode with Pillow's draft mode and classify with OpenVINO.

Each stores nothing, strips nothing and hashes nothing: it is the least that a
service of this kind could do.
"""

import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image

import golden
import runtimes
from workers import Worker


class Workers:
    """Processes with a loaded network, one core each, that work when told to."""

    def __init__(self, model: Path, precision: str, paths: list[Path], n_workers: int):
        self.workers = [Worker(work, model, precision, paths) for _ in range(n_workers)]
        for worker in self.workers:
            golden.require(worker.introduction, 0.05, "Pillow + OpenVINO")

    def images_per_second(self, seconds: float) -> float:
        """All workers together."""
        for worker in self.workers:
            worker.start(seconds)
        return sum(worker.images_per_second() for worker in self.workers)

    def stop(self) -> None:
        for worker in self.workers:
            worker.stop()


def work(pipe: Connection, model: Path, precision: str, paths: list[Path]) -> None:
    """One worker: says its golden scores, then measures until it is sent None."""
    network = runtimes.OpenVino(model, precision, throughput=False, n_threads=1)
    pipe.send(network.scores(golden.inputs()))
    while (seconds := pipe.recv()) is not None:
        n_images, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < seconds:
            network.scores(pixels(paths[n_images % len(paths)])[None])
            n_images += 1
        pipe.send(n_images / elapsed)


def pixels(path: Path) -> np.ndarray:
    """The photo at the model's square, decoded no larger than it must be."""
    square = (golden.SIDE, golden.SIDE)
    with Image.open(path) as image:
        image.draft("RGB", square)
        return np.asarray(image.convert("RGB").resize(square, Image.Resampling.BILINEAR))
