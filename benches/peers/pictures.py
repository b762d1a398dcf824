"""Squares that the classifier takes as they are, on which candidates are compared."""

import numpy as np
from PIL import Image

import golden
import photos

N_NOISE = 12


def squares(model: golden.Model = golden.MOBILENET_V2) -> np.ndarray:
    """Golden inputs, noise of several grains, and the photos where there are any."""
    random = np.random.default_rng(1)
    images = list(golden.inputs(model))
    square = (model.side, model.side)
    for idx in range(N_NOISE):
        side = 7 * 2 ** (idx % 6)
        coarse = Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8))
        images.append(np.asarray(coarse.resize(square)))
    folder = photos.folder()
    for path in sorted(folder.glob("*.[jp][pn]g")) if folder else []:
        with Image.open(path) as image:
            images.append(np.asarray(image.convert("RGB").resize(square)))
    return np.stack(images)
