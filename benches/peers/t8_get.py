"""T8: one image fetched again and again over HTTP, ImgShare and nginx serving the same bytes."""

import json
import re
import tempfile
import urllib.request
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import machine
import photos
import product
import rounds
import servers
from record import Ratio, Record

SECONDS = 5
N_CONNECTIONS = 32
# About the 161 KB of the target.
BYTES_MIN, BYTES_MAX = 130_000, 200_000
GENERATED_SIZE = (1024, 768)
FLOOR, AIM = 0.7, 1.0
OURS, THEIRS = "ImgShare", "nginx"
BOUNDARY = "imgshare-peers-boundary"


def main() -> None:
    machine.keep_to(machine.N_CORES)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(work: Path) -> None:
    facts = machine.facts()
    facts["peers"] = ", ".join(
        f"{package} {machine.debian_version(package)}" for package in ("nginx", "wrk")
    )
    files = work / "files"
    files.mkdir()
    with servers.imgshare(work) as ours, servers.nginx(work, machine.N_CORES) as theirs:
        image_url = publish(ours, work)
        image = fetch(image_url)
        (files / "image.jpg").write_bytes(image)
        urls = {OURS: image_url, THEIRS: f"{theirs}/image.jpg"}
        if any(fetch(url) != image for url in urls.values()):
            raise SystemExit("the two servers do not serve the same bytes; nothing was timed")
        latencies: dict[str, list[float]] = {name: [] for name in urls}

        def load(name: str) -> float:
            requests_per_second, p99_ms = wrk(urls[name])
            latencies[name].append(p99_ms)
            return requests_per_second

        figures = rounds.interleave({name: lambda name=name: load(name) for name in urls})
    medians = rounds.medians(figures)
    Record(
        target="t8",
        title="cached image over HTTP",
        work=f"GET of one JPEG of {len(image):,} bytes over loopback; wrk with one thread and "
        f"{N_CONNECTIONS} connections on the same two cores. ImgShare writes its request log, nginx none.",
        unit="requests per second",
        facts=facts,
        figures=figures,
        ratios=[Ratio("ImgShare : nginx", medians[OURS] / medians[THEIRS], FLOOR, AIM)],
        notes=[f"{name}: p99 {median(p99):.2f} ms" for name, p99 in latencies.items()],
        details={"p99_ms": latencies},
    ).write()


def publish(address: str, work: Path) -> str:
    """Uploads photos of the right size until one is served to strangers."""
    for path in candidates(work):
        answer = upload(address, path)
        # The path alone: the service may name itself by another host.
        image_url = address + urlsplit(answer["direct_url"]).path
        if answer.get("state") == "public" and BYTES_MIN <= len(fetch(image_url)) <= BYTES_MAX:
            return image_url
    raise SystemExit("no picture of the right size was accepted as public; nothing was timed")


def candidates(work: Path) -> list[Path]:
    folder = photos.folder()
    real = sorted(folder.glob("*.jpg")) if folder else []
    fitting = [path for path in real if BYTES_MIN <= path.stat().st_size <= BYTES_MAX]
    # Largest first: the target's own photo has 161 KB.
    fitting.sort(key=lambda path: path.stat().st_size, reverse=True)
    return [*fitting, *(photos.generate(work, seed, GENERATED_SIZE) for seed in range(2))]


def upload(address: str, path: Path, seconds_max: float = 60) -> dict:
    head = (
        f"--{BOUNDARY}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = head.encode() + path.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
    request = urllib.request.Request(
        f"{address}/api/v1/images",
        data=body,
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    with urllib.request.urlopen(request, timeout=seconds_max) as answer:
        return json.load(answer)


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def wrk(url: str) -> tuple[float, float]:
    """Requests per second and the 99th percentile of the latency in milliseconds."""
    command = ["wrk", "-t1", f"-c{N_CONNECTIONS}", f"-d{SECONDS}s", "--latency", url]
    report = product.run(command)
    if "Non-2xx" in report or "Socket errors" in report:
        raise SystemExit(f"requests failed under load:\n{report}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", report).groups()
    p99_ms = float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", report)[1]), p99_ms


if __name__ == "__main__":
    main()
