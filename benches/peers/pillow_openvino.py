"""The peer of T6: processes that decode with Pillow's draft mode and classify with OpenVINO.

Each stores nothing, strips nothing and hashes nothing: it is the least that a
service of this kind could do.
"""

import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from PIL import Image

import golden
import runtimes


class Workers:
    """Processes with a loaded network, one core each, that work when told to."""

    def __init__(self, model: Path, precision: str, paths: list[Path], n_workers: int):
        context = multiprocessing.get_context("spawn")
        self.pipes: list[Connection] = []
        self.processes = []
        for _ in range(n_workers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=work, args=(theirs, model, precision, paths), daemon=True
            )
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            golden.require(pipe.recv(), 0.05, "Pillow + OpenVINO")

    def images_per_second(self, seconds: float) -> float:
        """All workers together."""
        for pipe in self.pipes:
            pipe.send(seconds)
        return sum(pipe.recv() for pipe in self.pipes)

    def stop(self) -> None:
        for pipe, process in zip(self.pipes, self.processes, strict=True):
            pipe.send(None)
            process.join()


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
