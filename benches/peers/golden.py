"""The golden vectors: five generated inputs whose scores are known from nsfwjs itself.

Nothing is timed before it has reproduced them.
"""

import numpy as np

SIDE = 224
CLASSES = ("drawing", "hentai", "neutral", "porn", "sexy")
TOLERANCE_F32 = 1e-4

EXPECTED = np.array(
    [
        [0.7883080, 0.02624710, 0.1733724, 0.01000959, 0.002062906],
        [0.8370601, 0.02363191, 0.1292029, 0.008569187, 0.001535941],
        [0.9431061, 0.01056742, 0.04406909, 0.001776064, 0.0004813188],
        [0.9510562, 0.01809870, 0.02818799, 0.002208645, 0.0004484154],
        [0.03340211, 0.03234811, 0.7659761, 0.1618034, 0.006470207],
    ],
    dtype=np.float32,
)


def inputs() -> np.ndarray:
    """The inputs of EXPECTED in order: u8, [5, 224, 224, 3], NHWC."""
    images = np.zeros((5, SIDE, SIDE, 3), dtype=np.uint8)
    images[1] = 128
    images[2, :, :, 0] = 255
    images[3, :, :, 2] = 255
    y, x, channel = np.indices((SIDE, SIDE, 3))
    images[4] = (3 * x + 5 * y + 7 * channel) % 256
    return images


def largest_error(scores: np.ndarray) -> float:
    """Largest difference of any class from its golden value."""
    return float(np.abs(scores - EXPECTED).max())


def require(scores: np.ndarray, tolerance: float, who: str) -> None:
    """Stops the measurement when `who` does not reproduce the golden vectors."""
    error = largest_error(scores)
    if error > tolerance:
        raise SystemExit(f"{who} misses the golden vectors by {error:.6f}; nothing was timed")
