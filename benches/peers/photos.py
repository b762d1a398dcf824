"""The pictures that ImgShare and its peers both read."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

import machine

PIXELS_MIN, PIXELS_MAX = 7_500_000, 12_500_000
GENERATED_SIZE = (3264, 2448)
N_GENERATED = 4


def folder() -> Path | None:
    """Where real photos lie: `IMGSHARE_PHOTOS`, or `shared/photos` beside the repository."""
    named = os.environ.get("IMGSHARE_PHOTOS")
    path = Path(named) if named else machine.REPOSITORY.parent / "shared" / "photos"
    return path if path.is_dir() else None


def large(work: Path) -> list[Path]:
    """JPEG photos of 8 to 12 MP: the real ones, or generated ones where there are none."""
    found = folder()
    real = [path for path in sorted(found.glob("*.jpg")) if is_large(path)] if found else []
    return real or [generate(work, idx, GENERATED_SIZE) for idx in range(N_GENERATED)]


def is_large(path: Path) -> bool:
    with Image.open(path) as image:
        return PIXELS_MIN <= image.width * image.height <= PIXELS_MAX


def description(paths: list[Path]) -> str:
    """Sizes only: the photos themselves are no part of the project."""
    sizes = []
    for path in paths:
        with Image.open(path) as image:
            pixels = image.width * image.height / 1e6
            sizes.append(f"{pixels:.1f} MP in {path.stat().st_size / 1e6:.2f} MB")
    kind = "generated" if "generated" in paths[0].name else "from cameras"
    return f"{len(paths)} JPEG photos {kind}: {', '.join(sizes)}"


def generate(work: Path, seed: int, size: tuple[int, int], quality: int = 88) -> Path:
    """A JPEG with a photo's statistics: the same amplitude in every octave, and sensor grain."""
    path = work / f"generated-{seed}-{size[0]}x{size[1]}-q{quality}.jpg"
    if path.exists():
        return path
    random = np.random.default_rng(seed)
    picture = np.full((size[1], size[0], 3), 128, dtype=np.float32)
    cells = 4
    while cells < size[0] // 4:
        amplitude = 160 * cells**-0.5
        coarse = random.normal(0, amplitude, (2, cells * size[1] // size[0], cells))
        light, tint = (enlarged(layer, size) for layer in coarse)
        # Photos vary more in light than in colour.
        picture += light[:, :, None] + tint[:, :, None] * np.array([0.4, 0, -0.4], np.float32)
        cells *= 2
    picture += random.normal(0, 3, picture.shape[:2])[:, :, None]
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    image.save(path, quality=quality, subsampling="4:2:0")
    return path


def enlarged(layer: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    image = Image.fromarray(layer.astype(np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))
