"""The golden vectors: five generated inputs whose scores are known from nsfwjs itself.

Nothing is timed before it has reproduced them. Functions are about the default model unless they
are told another.
"""

from dataclasses import dataclass

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


@dataclass(frozen=True, eq=False)
class Model:
    """A model and what nsfwjs says with it about the inputs."""

    name: str
    side: int
    expected: np.ndarray


MOBILENET_V2 = Model("mobilenet_v2", SIDE, EXPECTED)
INCEPTION_V3 = Model(
    "inception_v3",
    299,
    np.array(
        [
            [0.3738221, 0.0382644, 0.5609882, 0.01895066, 0.007974735],
            [0.6115543, 0.07346984, 0.2992587, 0.01313899, 0.002578106],
            [0.362862, 0.05885458, 0.5489978, 0.0208017, 0.008483952],
            [0.3628753, 0.03205127, 0.5908726, 0.01002366, 0.004177101],
            [0.006359847, 0.00063335, 0.9915518, 0.001293253, 0.0001617698],
        ],
        dtype=np.float32,
    ),
)


def inputs(model: Model = MOBILENET_V2) -> np.ndarray:
    """The inputs of what is expected in order: u8, [5, side, side, 3], NHWC."""
    side = model.side
    images = np.zeros((5, side, side, 3), dtype=np.uint8)
    images[1] = 128
    images[2, :, :, 0] = 255
    images[3, :, :, 2] = 255
    y, x, channel = np.indices((side, side, 3))
    images[4] = (3 * x + 5 * y + 7 * channel) % 256
    return images


def largest_error(scores: np.ndarray, model: Model = MOBILENET_V2) -> float:
    """Largest difference of any class from its golden value."""
    return float(np.abs(scores - model.expected).max())


def require(
    scores: np.ndarray, tolerance: float, who: str, model: Model = MOBILENET_V2
) -> None:
    """Stops the measurement when `who` does not reproduce the golden vectors."""
    error = largest_error(scores, model)
    if error > tolerance:
        raise SystemExit(f"{who} misses the golden vectors by {error:.6f}; nothing was timed")
