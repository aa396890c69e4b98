"""Makes src/test/resources/golden/reference: what plain PyTorch and Pillow make of the three presets.

    python reference_goldens.py FOLDER_OF_PHOTOGRAPHS

The pictures are crops of astronaut.png, chelsea.png and coffee.png (scikit-image's sample data), drawn by a small generator
that the Java test repeats, so that no picture is stored. Weights: synthetic, ResNet-50, seed 0. Threads: 1.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import torch

import reference
import synthetic_weights

OUT = pathlib.Path(__file__).parent.parent / "resources" / "golden" / "reference"
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png")
K = 6


class Generator:
    """Numerical Recipes' 32-bit linear congruential generator; its upper 16 bits."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return (self.state >> 16) % n


def crops(photos, count, seed):
    """`count` pictures: a crop of a photograph, then perhaps mirrored, then perhaps darkened or inverted."""
    generator = Generator(seed)
    out = []
    for _ in range(count):
        photo = photos[generator.below(len(photos))]
        height = 32 + generator.below(photo.shape[0] - 32)
        width = 32 + generator.below(photo.shape[1] - 32)
        top = generator.below(photo.shape[0] - height + 1)
        left = generator.below(photo.shape[1] - width + 1)
        crop = photo[top:top + height, left:left + width]
        if generator.below(2):
            crop = crop[:, ::-1]
        change = generator.below(4)
        if change == 1:
            crop = crop // 2
        elif change == 2:
            crop = 255 - crop
        out.append(np.ascontiguousarray(crop))
    return out


def digest(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]


def heats(model, images, normalisation, reduction):
    return [reference.heat_map(reference.features(model, image, 224, normalisation), reduction) for image in images]


def mixed(images, maps, partners, ks, mix):
    rows = []
    for i, image in enumerate(images):
        cells = reference.select(maps[i], ks[i])
        pixels, share = mix(image, images[partners[i]], cells, 7)
        rows.append({
            "input": digest(image), "partner": partners[i], "cells": cells, "margin": round(reference.margin(maps[i], ks[i]), 8),
            "height": pixels.shape[0], "width": pixels.shape[1], "pixels": digest(pixels), "weight": float(share),
        })
    return rows


def write(name, rows):
    (OUT / name).write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(name, len(rows), "images; smallest margin", min(row["margin"] for row in rows))


def original(photos, state):
    """The published code path: image by image, Pillow's bicubic to 224, 0..1 without normalisation, statistics of the image,
    last channel, six cells, pasted at 224, back to the image's own size, weight 6/49."""
    images = crops(photos, 64, 1)
    model = reference.use_statistics_of_the_image(reference.build(50, state))
    partners = [(i + 17) % 64 for i in range(64)]
    rows = mixed(images, heats(model, images, "NONE", "LAST"), partners, [K] * 64, reference.mix_resized)
    for row in rows:
        row["weight"] = float(np.float32(K / 49))
    write("original.json", rows)


def open_mixup(photos, state):
    """OpenMixup's AttentiveMix: mean over channels, one k for the batch from λ of Beta(α, α) by rounding down, area weight.
    That code takes sample 0's area for the whole batch; here each image has its own."""
    images = crops(photos, 32, 2)
    model = reference.build(50, state)
    maps = heats(model, images, "IMAGENET", "MEAN")
    partners = [31 - i for i in range(32)]
    rows = []
    for k in (1, int(0.37 * 49), 48):
        rows += [dict(row, k=k) for row in mixed(images, maps, partners, [k] * 32, reference.mix_native)]
    write("open_mixup.json", rows)


def paper(photos, state):
    images = crops(photos, 256, 3)
    model = reference.build(50, state)
    partners = [(i + 1) % 256 for i in range(256)]
    write("paper.json", mixed(images, heats(model, images, "IMAGENET", "MEAN"), partners, [K] * 256, reference.mix_native))


if __name__ == "__main__":
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(sys.argv[1])
    loaded = [reference.read(folder / name) for name in PHOTOS]
    tensors = synthetic_weights.synthetic(50, 0)
    original(loaded, tensors)
    open_mixup(loaded, tensors)
    paper(loaded, tensors)
