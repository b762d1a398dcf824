"""T15: the default binary built from nothing, on two cores. Takes a quarter of an hour."""

import os
import subprocess
import tempfile
import time

import machine
import product
from record import Ratio, Record

FLOOR_MINUTES, AIM_MINUTES = 20.0, 12.0
OURS = "cargo build --release --locked"


def main() -> None:
    machine.keep_to(machine.N_CORES)
    facts = machine.facts()
    # Downloads are the network's time, not the build's.
    cargo("fetch", "--locked")
    with tempfile.TemporaryDirectory(dir=product.work_folder()) as folder:
        start = time.perf_counter()
        cargo("build", "--release", "--locked", "--jobs", str(machine.N_CORES), target=folder)
        minutes = (time.perf_counter() - start) / 60
        n_bytes = os.path.getsize(f"{folder}/release/imgshare")
    compiler = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True)
    Record(
        target="t15",
        title="build of the default binary from nothing",
        work="An empty target folder, sources already fetched; measured once.",
        unit="minutes",
        facts=facts,
        figures={OURS: [minutes]},
        ratios=[Ratio("minutes", minutes, FLOOR_MINUTES, AIM_MINUTES, lower_is_better=True)],
        notes=[compiler.stdout.strip(), f"the binary has {n_bytes / 1e6:.0f} MB"],
    ).write()


def cargo(*arguments: str, target: str | None = None) -> None:
    environment = dict(os.environ)
    # A shared compiler cache would make this a measurement of the cache.
    environment.pop("RUSTC_WRAPPER", None)
    if target:
        environment["CARGO_TARGET_DIR"] = target
    command = ["cargo", *arguments]
    subprocess.run(command, cwd=machine.REPOSITORY, env=environment, check=True)


if __name__ == "__main__":
    main()
