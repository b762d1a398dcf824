"""nsfwjs itself on the wasm backend in Node, which has no threads there: a process for each core."""

import json
import subprocess
from pathlib import Path

import numpy as np

import machine

FOLDER = machine.REPOSITORY / "tests" / "nsfwjs"


class NsfwJs:
    """Processes with a loaded model, one thread each, that work when told to."""

    def __init__(self, images: np.ndarray, work: Path, n_processes: int):
        self.name = f"nsfwjs wasm, {n_processes} processes of one thread"
        pixels = work / "pictures.rgb"
        pixels.write_bytes(images.tobytes())
        command = ["node", str(FOLDER / "measure.mjs"), str(pixels)]
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(n_processes)
        ]
        answers = [np.array(json.loads(self.line(p)), np.float32) for p in self.processes]
        self.scores = answers[0]

    def images_per_second(self, seconds: float) -> float:
        """All processes together."""
        for process in self.processes:
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        return sum(float(self.line(process)) for process in self.processes)

    def stop(self) -> None:
        for process in self.processes:
            process.stdin.close()
            process.wait()

    @staticmethod
    def line(process: subprocess.Popen) -> str:
        line = process.stdout.readline()
        if not line:
            raise SystemExit(f"nsfwjs ended with status {process.wait()}; nothing was timed")
        return line
