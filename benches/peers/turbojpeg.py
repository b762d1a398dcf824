"""libjpeg-turbo's TurboJPEG interface, as much of it as T5 needs."""

import ctypes
import ctypes.util
from functools import cache

TJPF_RGB = 0


@cache
def library() -> ctypes.CDLL:
    name = ctypes.util.find_library("turbojpeg") or "libturbojpeg.so.0"
    turbojpeg = ctypes.CDLL(name)
    turbojpeg.tjInitDecompress.restype = ctypes.c_void_p
    turbojpeg.tjDecompressHeader3.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_ulong,
        *[ctypes.POINTER(ctypes.c_int)] * 4,
    ]
    turbojpeg.tjDecompress2.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_ulong,
        ctypes.c_void_p,
        *[ctypes.c_int] * 5,
    ]
    return turbojpeg


class Decoder:
    """A decoder that keeps its handle and its output, as a worker would."""

    def __init__(self) -> None:
        self.handle = library().tjInitDecompress()
        self.pixels = ctypes.create_string_buffer(1)

    def decode(self, jpeg: bytes, denominator: int) -> tuple[int, int]:
        """Decodes to RGB at 1/`denominator` of the size, which it returns."""
        width, height, subsampling, colorspace = (ctypes.c_int() for _ in range(4))
        fields = [ctypes.byref(f) for f in (width, height, subsampling, colorspace)]
        failed = library().tjDecompressHeader3(self.handle, jpeg, len(jpeg), *fields)
        if failed:
            raise SystemExit("libjpeg-turbo refuses a header; nothing was timed")
        scaled_width = -(-width.value // denominator)
        scaled_height = -(-height.value // denominator)
        n_bytes = scaled_width * scaled_height * 3
        if len(self.pixels) < n_bytes:
            self.pixels = ctypes.create_string_buffer(n_bytes)
        failed = library().tjDecompress2(
            self.handle,
            jpeg,
            len(jpeg),
            self.pixels,
            scaled_width,
            0,
            scaled_height,
            TJPF_RGB,
            0,
        )
        if failed:
            raise SystemExit("libjpeg-turbo refuses an image; nothing was timed")
        return scaled_width, scaled_height
