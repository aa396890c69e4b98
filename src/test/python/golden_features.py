"""Golden features, heat maps and cells from torchvision: python golden_features.py OUT_FOLDER

For each of the five networks with synthetic weights (seed 1), two sides and two images: a sample of every stage's output
with its sum and norm, the heat map of every reduction, and the six hottest cells. For ResNet-18 and ResNet-50 also with the
statistics of the one image in every batch norm. float32 on a CPU, one thread.

values.f32 holds float32, little-endian; index.tsv has a line "key, offset, count" for each entry of it. Keys are
DEPTH/SIDE/IMAGE/running or per-image/ENTRY. A stage's entry is SAMPLES values at floor(j * size / SAMPLES) of its output
(side, side, channels), then the sum and the Euclidean norm of all of it.
"""

import os
import sys

import numpy as np
import torch
import torchvision
from PIL import Image

import synthetic_weights
from test_images import structured

SEED = 1
SAMPLES = 256
PATCHES = 6
SIDES = (224, 160)
LABELS = (207, 3)
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def images(side):
    """One image that has the side, and one that Pillow resizes to it."""
    yield structured(0, side, side)
    yield np.asarray(Image.fromarray(structured(1, 187, 250)).resize((side, side), Image.Resampling.BICUBIC))


def network(depth, tensors):
    """torchvision's network; statistics of the running kind until train() is called."""
    model = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    state = {k: torch.from_numpy(np.array(v)) for k, v in tensors.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or any(not k.endswith("num_batches_tracked") for k in missing):
        raise SystemExit(f"missing {missing}, unexpected {unexpected}")
    return model.eval()


def stages(model, x):
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    yield "stem", x
    for name in ("layer1", "layer2", "layer3", "layer4"):
        x = getattr(model, name)(x)
        yield name, x


def heat_maps(features, classifier):
    """(C, G, G) float32 and (C) -> the five maps (G, G), sums in double, rounded once."""
    f = features.astype(np.float64)
    yield "MEAN", f.mean(axis=0)
    yield "LAST", f[-1]
    yield "MAX", f.max(axis=0)
    yield "L2", np.sqrt((f * f).sum(axis=0))
    yield "CLASS", np.tensordot(classifier.astype(np.float64), f, axes=1)


def main(out):
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    values, index = [], []
    offset = 0

    def add(key, data):
        nonlocal offset
        data = np.asarray(data, dtype="<f4").ravel()
        values.append(data)
        index.append(f"{key}\t{offset}\t{data.size}\n")
        offset += data.size

    for depth in (18, 34, 50, 101, 152):
        tensors = synthetic_weights.synthetic(depth, SEED)
        model = network(depth, tensors)
        for kind in ("running", "per-image") if depth in (18, 50) else ("running",):
            model.train(kind == "per-image")
            for side in SIDES:
                for i, pixels in enumerate(images(side)):
                    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1).to(torch.float32).div(255).sub(MEAN).div(STD)
                    prefix = f"{depth}/{side}/{i}/{kind}/"
                    for name, y in stages(model, x[None]):
                        y = y[0].permute(1, 2, 0).contiguous().numpy().ravel()
                        sample = y[np.arange(SAMPLES) * y.size // SAMPLES]
                        y = y.astype(np.float64)
                        add(prefix + name, np.concatenate([sample, [y.sum(), np.sqrt((y * y).sum())]]))
                        if name == "layer4":
                            grid = side // 32
                            last = y.astype(np.float32).reshape(grid, grid, -1).transpose(2, 0, 1)
                    for name, heat in heat_maps(last, tensors["fc.weight"][LABELS[i]]):
                        heat = heat.astype(np.float32).ravel()
                        add(prefix + name, heat)
                        add(prefix + name + "/cells", np.sort(np.argsort(-heat, kind="stable")[:PATCHES]))

    os.makedirs(out, exist_ok=True)
    for name, data in (("values.f32", np.concatenate(values).tobytes()), ("index.tsv", "".join(index).encode())):
        path = os.path.join(out, name)
        with open(path + ".tmp", "wb") as f:
            f.write(data)
        os.replace(path + ".tmp", path)
    print(f"{len(index)} entries, {offset * 4} bytes; torch {torch.__version__}, torchvision {torchvision.__version__}")


if __name__ == "__main__":
    main(sys.argv[1])
