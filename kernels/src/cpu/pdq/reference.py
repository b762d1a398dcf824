"""Prints what Meta's own C++ code says: the expected values of our tests.

Run once, in a virtual environment with pdqhash 0.2.8, numpy and pillow:

    python kernels/src/cpu/pdq/reference.py
    python kernels/src/cpu/pdq/reference.py tests/fixtures/*.png tests/fixtures/scene.jpg

Without arguments it hashes the pictures of `tests.rs`, drawn by the same
formulas; with arguments the named files, for `pipeline/src/stage/look.rs`.
"""

import sys

import numpy
import pdqhash
from PIL import Image

SIZES = [(5, 5), (300, 5), (64, 64), (100, 40), (129, 257), (640, 480), (1021, 767), (2000, 33)]


def tiles(x, y, c, w, h):
    column, row = x * 9 // w, y * 7 // h
    return (31 * column * column + 17 * row * row + 7 * column * row + 53 * c) % 256


def rings(x, y, c, w, h):
    across, down = 2 * x - w + w // 5 + 1, 2 * y - h - (h + 6) // 7
    return ((across * across + down * down) * 300 // (w * w + h * h) + 20 * c) % 256


def gradient(x, y, c, w, h):
    return (x * 255 // (w - 1) + y * c * 40 // h) % 256


def noise(x, y, c, w, h):
    return (((y * w + x) * 3 + c) * 40503 % 2**24) >> 16


def drawn(draw, w, h):
    y, x, c = numpy.mgrid[0:h, 0:w, 0:3]
    return draw(x, y, c, w, h)


def hashed(rgb):
    bits, quality = pdqhash.compute(numpy.ascontiguousarray(rgb.astype(numpy.uint8)))
    return f'"{numpy.packbits(bits.astype(numpy.uint8)).tobytes().hex()}", {quality}'


for path in sys.argv[1:]:
    print(f'("{path}", {hashed(numpy.asarray(Image.open(path).convert("RGB")))}),')
if not sys.argv[1:]:
    for draw in (tiles, rings, gradient, noise):
        for w, h in SIZES:
            print(f"({draw.__name__}, {w}, {h}, {hashed(drawn(draw, w, h))}),")
