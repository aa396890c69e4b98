"""Pillow's answers for the resizer: src/test/resources/golden/resize/{uint8,float,small}.txt.

Run from the repository root: python src/test/python/resize_goldens.py
"""
import hashlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

OUT = Path("src/test/resources/golden/resize")
FILTERS = {"BICUBIC": Image.BICUBIC, "BILINEAR": Image.BILINEAR, "NEAREST": Image.NEAREST}

# h, w, outH, outW
SIZES = [
    (1, 1, 1, 1), (1, 1, 224, 224), (1, 1, 7, 5), (1, 2, 3, 1), (2, 1, 1, 9), (2, 2, 2, 3), (3, 3, 3, 3),
    (7, 7, 224, 224), (7, 7, 8, 6), (5, 3, 4, 4), (13, 11, 13, 5), (13, 11, 29, 11), (17, 19, 16, 20), (31, 37, 224, 224),
    (32, 32, 224, 224), (64, 64, 32, 32), (97, 101, 89, 83), (127, 131, 257, 263), (224, 224, 61, 115), (224, 224, 32, 32),
    (224, 224, 375, 500), (224, 224, 1080, 1920), (225, 223, 224, 224), (223, 225, 224, 224), (224, 300, 224, 224),
    (300, 224, 224, 224), (224, 1000, 224, 10), (1000, 224, 10, 224), (244, 453, 224, 224), (251, 237, 224, 224),
    (300, 451, 224, 224), (333, 251, 288, 288), (375, 500, 224, 224), (500, 375, 224, 224), (375, 500, 256, 341),
    (400, 600, 224, 224), (427, 640, 224, 224), (500, 333, 160, 96), (499, 503, 101, 211), (512, 512, 224, 224),
    (512, 512, 256, 256), (512, 512, 511, 513), (720, 1280, 224, 224), (1080, 1920, 224, 224), (1411, 1411, 224, 224),
    (1, 4000, 224, 224), (4000, 1, 224, 224), (2, 3001, 3001, 2), (3001, 2, 2, 3001), (1, 5000, 1, 1), (5000, 1, 1, 1),
    (1, 1, 1, 3000), (1, 1, 3000, 1), (16, 2000, 5, 1999), (1999, 16, 2000, 5), (7, 1021, 1021, 7), (2048, 7, 7, 2048),
    (8, 16384, 3, 7), (16384, 8, 7, 3), (3000, 4000, 224, 224), (4000, 3000, 224, 224), (4000, 3000, 3001, 2),
    (3000, 4000, 512, 683), (3000, 4000, 1, 1), (1500, 2000, 1499, 2003),
]
SMALL = [(1, 1, 2, 2), (2, 3, 3, 2), (4, 4, 3, 5), (5, 7, 2, 3), (3, 2, 6, 5)]


def noise(count, seed):
    """value i is the top byte of a 32-bit hash of i: x = i*2654435761 + seed*40503; x ^= x>>15; x *= 0x85ebca6b;
    x ^= x>>13; x *= 0xc2b2ae35; x ^= x>>16, all modulo 2^32."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed * 40503 % 2**32)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x


def uint8(h, w):
    """Noise of the extremes on even 16-pixel tiles (0 or 255 each), plain noise on odd ones: every clamp is met."""
    x = noise(h * w * 3, h * 31 + w).reshape(h, w, 3) >> np.uint32(24)
    tile = ((np.arange(h) >> 4)[:, None] + (np.arange(w) >> 4)[None, :]) & 1
    return np.where(tile[:, :, None] == 1, x, np.where(x >= 128, 255, 0)).astype(np.uint8)


def float32(h, w):
    """Noise in [-2, 2), a multiple of 2^-22."""
    x = noise(h * w * 3, h * 31 + w).reshape(h, w, 3) >> np.uint32(8)
    return (x.astype(np.float64) * 2.0**-22 - 2.0).astype(np.float32)


def resize(a, out_h, out_w, how):
    if a.dtype == np.uint8:
        return np.asarray(Image.fromarray(a).resize((out_w, out_h), how))
    planes = [np.asarray(Image.fromarray(a[:, :, c]).resize((out_w, out_h), how)) for c in range(3)]
    return np.stack(planes, axis=2)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name, make in (("uint8", uint8), ("float", float32)):
        with open(OUT / f"{name}.txt", "w") as f:
            for h, w, oh, ow in SIZES:
                if name == "float" and h * w > 1_000_000:
                    continue
                a = make(h, w)
                for how, flag in FILTERS.items():
                    digest = hashlib.sha256(np.ascontiguousarray(resize(a, oh, ow, flag)).tobytes()).hexdigest()
                    f.write(f"{how} {h} {w} {oh} {ow} {digest}\n")
    with open(OUT / "small.txt", "w") as f:
        for h, w, oh, ow in SMALL:
            for how, flag in FILTERS.items():
                f.write(f"{how} {h} {w} {oh} {ow} {resize(uint8(h, w), oh, ow, flag).tobytes().hex()}\n")
    (OUT / "README.txt").write_text(
        f"Made by src/test/python/resize_goldens.py with Pillow {PIL.__version__}, numpy {np.__version__}.\n"
        "uint8.txt, float.txt: filter h w outH outW SHA-256 of the result (h, w, 3), float as little-endian float32;\n"
        "the inputs are the script's uint8() and float32(), made again in the test. small.txt: whole results in hex.\n")


main()
