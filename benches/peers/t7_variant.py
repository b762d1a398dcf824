"""T7: a photo made smaller when it is first asked for, over HTTP, against oximg."""

import http.client
import io
import random
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean
from urllib.parse import urlsplit

from PIL import Image

import machine
import photos
import rounds
import servers
from record import Ratio, Record
from t8_get import upload

# What imgproxy's published benchmark asks for: 2K photos, to fit a square.
SIZE = (2040, 1356)
QUALITY = 90
VARIANT, SIDE_MAX = "small", 512
# Each is asked for once a round by one of two clients, as in the target's own run.
N_PHOTOS = 120
N_CLIENTS = 2
FLOOR, AIM = 1.0, 1.5
OURS, THEIRS = "ImgShare", "oximg"


def main() -> None:
    machine.keep_to(machine.N_CORES)
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


def measure(work: Path) -> None:
    facts = machine.facts()
    facts["peers"] = servers.oximg_version()
    files = work / "files"
    files.mkdir()
    paths = draw(photos.large(work), files)
    with servers.imgshare(work) as ours, servers.oximg(files) as theirs:
        # ImgShare keeps what it makes, so that every round has images of its own.
        waiting = [published(ours, paths) for _ in range(rounds.N_ROUNDS)]
        wanted = [f"/resize/{SIDE_MAX}/{SIDE_MAX}/{path.name}" for path in paths]
        bodies: dict[str, list[bytes]] = {}

        def ask(name: str, address: str, targets: list[str]) -> float:
            start = time.perf_counter()
            bodies[name] = fetch_all(address, targets)
            return len(targets) / (time.perf_counter() - start)

        figures = rounds.interleave(
            {
                OURS: lambda: ask(OURS, ours, waiting.pop()),
                THEIRS: lambda: ask(THEIRS, theirs, wanted),
            }
        )
    for name, answers in bodies.items():
        prove(name, answers)
    medians = rounds.medians(figures)
    sizes = [path.stat().st_size for path in paths]
    Record(
        target="t7",
        title="variant made on request",
        work=f"{N_PHOTOS} JPEG photos of {SIZE[0]} x {SIZE[1]}, {mean(sizes):,.0f} bytes in the "
        f"mean, each fitted into {SIDE_MAX} x {SIDE_MAX} as JPEG; none was asked for before. "
        f"{N_CLIENTS} clients with a connection each, on the same two cores.",
        unit="variants per second",
        facts=facts,
        figures=figures,
        ratios=[Ratio("ImgShare : oximg", medians[OURS] / medians[THEIRS], FLOOR, AIM)],
        notes=[
            *(
                f"{name}: {mean(map(len, answers)):,.0f} bytes a variant in the mean"
                for name, answers in bodies.items()
            ),
            "Both with their default quality. oximg resamples in linear light and writes "
            "progressive JPEG, ImgShare resamples sRGB values and writes baseline JPEG; ImgShare "
            "also proves the result free of metadata and stores it, oximg stores nothing.",
        ],
    ).write()


def draw(sources: list[Path], folder: Path) -> list[Path]:
    """Photos of the target's size, no two alike: windows of larger ones."""
    chance = random.Random(7)
    paths = []
    pictures = [Image.open(path).convert("RGB") for path in sources]
    for idx in range(N_PHOTOS):
        picture = pictures[idx % len(pictures)]
        scale = min(picture.width / SIZE[0], picture.height / SIZE[1]) * chance.uniform(0.7, 1)
        width, height = (int(side * scale) for side in SIZE)
        left = chance.randint(0, picture.width - width)
        top = chance.randint(0, picture.height - height)
        window = (left, top, left + width, top + height)
        paths.append(folder / f"{idx}.jpg")
        picture.resize(SIZE, Image.Resampling.LANCZOS, box=window).save(
            paths[-1], quality=QUALITY, subsampling="4:2:0"
        )
    return paths


def published(address: str, paths: list[Path]) -> list[str]:
    """Uploads the photos and returns where their variants are."""
    with ThreadPoolExecutor(N_CLIENTS) as clients:
        answers = list(clients.map(lambda path: upload(address, path), paths))
    hidden = [answer["state"] for answer in answers if answer["state"] != "public"]
    if hidden:
        raise SystemExit(f"images are not served ({hidden[0]}); nothing was timed")
    return [f"/i/{answer['id']}/{VARIANT}.jpg" for answer in answers]


def fetch_all(address: str, targets: list[str]) -> list[bytes]:
    """Every target once, by clients that take turns."""
    shares = [targets[client::N_CLIENTS] for client in range(N_CLIENTS)]
    with ThreadPoolExecutor(N_CLIENTS) as clients:
        return sum(clients.map(lambda share: fetch(address, share), shares), [])


def fetch(address: str, targets: list[str]) -> list[bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    bodies = []
    for target in targets:
        connection.request("GET", target)
        answer = connection.getresponse()
        bodies.append(answer.read())
        if answer.status != 200:
            raise SystemExit(f"{target} was answered with {answer.status}: {bodies[-1][:200]!r}")
    connection.close()
    return bodies


def prove(name: str, answers: list[bytes]) -> None:
    """Fails unless every answer is a JPEG of the size that was asked for."""
    height = round(SIDE_MAX * SIZE[1] / SIZE[0])
    for answer in answers:
        with Image.open(io.BytesIO(answer)) as image:
            image.load()
            close = abs(image.width - SIDE_MAX) <= 1 and abs(image.height - height) <= 1
            if image.format != "JPEG" or not close:
                raise SystemExit(f"{name} made {image.format} of {image.size}; nothing is recorded")


if __name__ == "__main__":
    main()
