"""T9: resident memory while 64 uploads of 50 MP arrive at once, against the budgets that are set."""

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

import machine
import rounds
import servers
from record import Ratio, Record
from t8_get import upload

N_UPLOADS = 64
SIZE = (8160, 6120)
# The budget holds few of them at once, and there are more workers than that, so that it
# is the budget that bounds the memory and not the number of cores.
DECODE_BYTES = 700_000_000
N_WORKERS = 8
# The program, its model, and the classifier's inputs.
BESIDE_BYTES = 200_000_000
N_ROUNDS = 3
MB = 1e6


def main() -> None:
    machine.keep_to(machine.N_CORES)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(work: Path) -> None:
    facts = machine.facts()
    kinds = {
        "baseline": draw(work, progressive=False),
        "progressive": draw(work, progressive=True),
    }
    # A form is a little larger than its file.
    bodies = {kind: N_UPLOADS * (path.stat().st_size + 4096) for kind, path in kinds.items()}
    figures = rounds.interleave(
        {kind: lambda kind=kind: resident_mb(kinds[kind], bodies[kind]) for kind in kinds},
        N_ROUNDS,
    )
    medians = rounds.medians(figures)
    allowed = {kind: (DECODE_BYTES + bodies[kind] + BESIDE_BYTES) / MB for kind in kinds}
    Record(
        target="t9",
        title="memory under large uploads",
        work=f"{N_UPLOADS} uploads at once of {SIZE[0] * SIZE[1] / 1e6:.1f} MP, {N_WORKERS} "
        f"workers, {DECODE_BYTES / MB:.0f} MB for decoded pixels, and for bodies what the files "
        "take; the most that was resident, by the system's count.",
        unit="MB",
        facts=facts,
        figures=figures,
        ratios=[
            Ratio(f"{kind}: resident : budgets + 200 MB", medians[kind] / allowed[kind], 1, 0.9, True)
            for kind in kinds
        ],
        notes=[
            f"{kind}: {kinds[kind].stat().st_size / MB:.2f} MB a file, {allowed[kind]:.0f} MB allowed"
            for kind in kinds
        ],
        details={"allowed_mb": allowed},
    ).write()


def draw(work: Path, progressive: bool) -> Path:
    """Slopes with a little noise, at full colour resolution, which takes the most memory."""
    path = work / f"{'progressive' if progressive else 'baseline'}.jpg"
    coarse = Image.effect_noise((SIZE[0] // 8, SIZE[1] // 8), 40).resize(SIZE)
    slopes = [Image.linear_gradient("L").resize(SIZE), Image.radial_gradient("L").resize(SIZE)]
    picture = Image.merge("RGB", [coarse, *slopes])
    picture.save(path, quality=85, subsampling="4:4:4", progressive=progressive)
    return path


def resident_mb(path: Path, bodies_bytes: int) -> float:
    settings = {
        "IMGSHARE_PIPELINE_DECODE_MEMORY_BYTES_MAX": str(DECODE_BYTES),
        "IMGSHARE_PIPELINE_BYTES_IN_FLIGHT_MAX": str(bodies_bytes),
        "IMGSHARE_PIPELINE_IMAGES_IN_FLIGHT_MAX": str(N_UPLOADS),
        "IMGSHARE_PIPELINE_WORKERS": str(N_WORKERS),
        # How long they stand in line is not what is measured.
        "IMGSHARE_LIMITS_IMAGE_SECONDS_MAX": "600",
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.imgshare_process(Path(folder), settings) as server,
        ThreadPoolExecutor(N_UPLOADS) as clients,
    ):
        uploads = [clients.submit(upload, server.address, path, 600) for _ in range(N_UPLOADS)]
        if any("id" not in done.result() for done in uploads):
            raise SystemExit("an upload was not accepted; nothing was measured")
        return peak_bytes(server.pid) / MB


def peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


if __name__ == "__main__":
    main()
