"""Attentive CutMix in plain PyTorch and Pillow, written from the method's description: what the library is compared with.

Every function takes and gives numpy arrays; images are uint8 (H, W, 3) RGB. Nothing here is fast, and nothing here is shared
with the library.
"""

import numpy as np
import torch
import torchvision
from PIL import Image, ImageOps

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
FILTERS = {
    "BICUBIC": Image.Resampling.BICUBIC,
    "BILINEAR": Image.Resampling.BILINEAR,
    "NEAREST": Image.Resampling.NEAREST,
}


def read(path):
    """An image file as the method sees it: orientation applied, converted to RGB."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def resize(image, height, width, filter="BICUBIC"):
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), FILTERS[filter]))


def build(depth, state):
    """torchvision's network of this depth with the given tensors (a dict of arrays), in evaluation mode."""
    classes = state["fc.weight"].shape[0] if "fc.weight" in state else 1000
    model = getattr(torchvision.models, f"resnet{depth}")(weights=None, num_classes=classes)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in state.items()}
    missing, unexpected = model.load_state_dict(tensors, strict=False)
    missing = [m for m in missing if not m.startswith("fc.") and not m.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"missing {missing}, unexpected {unexpected}")
    return model.eval()


def use_statistics_of_the_image(model):
    """Batch norms as a network in training mode has them for a batch of one image."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.track_running_stats = False
            module.running_mean = None
            module.running_var = None
    return model


def normalise(image, normalisation="IMAGENET"):
    """uint8 (H, W, 3) to float32 (3, H, W)."""
    values = image.astype(np.float32) / np.float32(255)
    if normalisation == "IMAGENET":
        values = (values - MEAN) / STD
    return values.transpose(2, 0, 1)


def stages(model, batch):
    """Outputs of stem, layer1 … layer4 for a float32 batch (N, 3, S, S)."""
    with torch.inference_mode():
        x = torch.from_numpy(np.ascontiguousarray(batch))
        x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
        out = [x]
        for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
            x = layer(x)
            out.append(x)
    return [o.numpy() for o in out]


def features(model, image, side=224, normalisation="IMAGENET", filter="BICUBIC"):
    """Last feature map (C, G, G) of one image."""
    return stages(model, normalise(resize(image, side, side, filter), normalisation)[None])[-1][0]


def heat_map(features, reduction, classifier_row=None):
    """(C, G, G) to (G, G), summed in double."""
    f = features.astype(np.float64)
    if reduction == "MEAN":
        return f.mean(axis=0)
    if reduction == "LAST":
        return f[-1]
    if reduction == "MAX":
        return f.max(axis=0)
    if reduction == "L2":
        return np.sqrt((f * f).sum(axis=0))
    if reduction == "CLASS":
        return np.tensordot(classifier_row.astype(np.float64), f, axes=(0, 0))
    raise ValueError(reduction)


def select(heat, k):
    """The k hottest cells: value descending, then index ascending; indices in ascending order."""
    return sorted(np.argsort(-heat.reshape(-1), kind="stable")[:k].tolist())


def margin(heat, k):
    """How far the k-th cell lies above the (k+1)-th, as a share of the map's range."""
    values = np.sort(heat.reshape(-1))[::-1]
    span = values[0] - values[-1]
    return 0.0 if span == 0 or k >= values.size else (values[k - 1] - values[k]) / span


def cell_box(cell, grid, height, width):
    """Top, left, bottom, right of a cell in pixels."""
    row, column = divmod(cell, grid)
    return (row * height // grid, column * width // grid, (row + 1) * height // grid, (column + 1) * width // grid)


def mix_native(source, background, cells, grid, filter="BICUBIC"):
    """The cells of the source pasted on the background, and the source's share of the pixels."""
    height, width = background.shape[:2]
    source = resize(source, height, width, filter)
    out = background.copy()
    taken = 0
    for cell in cells:
        top, left, bottom, right = cell_box(cell, grid, height, width)
        out[top:bottom, left:right] = source[top:bottom, left:right]
        taken += (bottom - top) * (right - left)
    return out, np.float32(taken / (height * width))


def mix_resized(source, background, cells, grid, side=224, filter="BICUBIC"):
    """As the published code does: both to S×S, mixed there, and back to the source's size."""
    mixed, share = mix_native(resize(source, side, side, filter), resize(background, side, side, filter), cells, grid)
    return resize(mixed, source.shape[0], source.shape[1], filter), share
