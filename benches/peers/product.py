"""ImgShare itself, driven through its commands as an operator would."""

import json
import os
import subprocess
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

import golden


def binary() -> Path:
    """The release binary; `run` has built it and says where it lies."""
    return Path(os.environ["IMGSHARE_BIN"])


def work_folder() -> Path:
    """Kept between runs and ignored by git; `run` makes it."""
    return Path(os.environ["IMGSHARE_PEERS_WORK"])


def data_folder() -> Path:
    """A data folder that holds the installed weights and nothing else."""
    return work_folder() / "data"


def weights(model: golden.Model = golden.MOBILENET_V2) -> Path:
    return data_folder() / "models" / f"{model.name}.safetensors"


def bench(what: str, *arguments: str, settings: dict[str, str] | None = None) -> dict:
    """The JSON of `imgshare bench`, on the CPU."""
    command = [binary(), "bench", what, "--data", data_folder(), "--device", "cpu", "--json"]
    return json.loads(run([*command, *arguments], settings))


class Inference:
    """`imgshare bench infer`, round by round: one figure for each batch size."""

    # Batch sizes of a CPU share a bench's time.
    N_BATCHES = 5

    def __init__(self, seconds: float, n_threads: int, settings: dict[str, str] | None = None):
        self.seconds = seconds * self.N_BATCHES
        self.n_threads = n_threads
        self.settings = settings
        self.reports: list[dict] = []

    def images_per_second(self) -> float:
        """A round; the best of its batch sizes, which is for whoever watches."""
        flags = ("--seconds", str(self.seconds), "--threads", str(self.n_threads))
        self.reports.append(bench("infer", *flags, settings=self.settings))
        return self.reports[-1]["images_per_second"]

    def figures(self) -> list[float]:
        """Those of the batch size whose median is the best, as of a peer the best of its ways."""
        sizes = zip(*(report["buckets"] for report in self.reports), strict=True)
        figures = [[bucket["images_per_second"] for bucket in size] for size in sizes]
        return max(figures, key=median)


def scores(
    images: np.ndarray, folder: Path, settings: dict[str, str] | None = None
) -> np.ndarray:
    """The scores of pictures that are the model's square already, written to `folder` first."""
    folder.mkdir(exist_ok=True)
    names = [f"{idx:03}.png" for idx in range(len(images))]
    for name, pixels in zip(names, images, strict=True):
        Image.fromarray(pixels).save(folder / name)
    command = [binary(), "classify", "--data", data_folder(), "--device", "cpu", "--json", folder]
    lines = [json.loads(line) for line in run(command, settings).splitlines()]
    scored = {Path(line["path"]).name: line["scores"] for line in lines}
    return np.array([[scored[name][label] for label in golden.CLASSES] for name in names])


def run(command: list, settings: dict[str, str] | None = None) -> str:
    """Standard output of a command that must succeed; its progress stays visible."""
    done = subprocess.run(
        list(map(str, command)),
        env=environment() | (settings or {}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def environment() -> dict[str, str]:
    """The environment without ImgShare's settings, ours or the caller's: defaults are measured.

    It would also refuse to start over those of these scripts, which are no settings of its.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("IMGSHARE_")}
