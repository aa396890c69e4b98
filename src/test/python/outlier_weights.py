"""Makes ResNet weights with channels that stand out as those of trained networks do, for measuring 8-bit extractors.

Convolutions are He-initialised. Batch-norm weights are log-normal (sigma 0.4), one channel in a hundred four times that; biases are
normal with mean -0.3 (units of the weight); running statistics are then taken from images, layer by layer through PyTorch's own
batch norm, so that the output of every batch norm is distributed as its weight and bias say, whatever the convolution makes.

usage: outlier_weights.py DEPTH SEED OUT.safetensors PHOTO...
"""
import sys

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file


def crops(paths, count, seed):
    rng = np.random.default_rng(seed)
    photos = [Image.open(p).convert("RGB") for p in paths]
    out = []
    for i in range(count):
        photo = photos[i % len(photos)]
        side = int(rng.integers(96, min(photo.size) + 1))
        x, y = int(rng.integers(0, photo.width - side + 1)), int(rng.integers(0, photo.height - side + 1))
        crop = photo.crop((x, y, x + side, y + side)).resize((224, 224), Image.BICUBIC)
        out.append(np.asarray(crop, np.float32) / 255)
    batch = torch.from_numpy(np.stack(out)).permute(0, 3, 1, 2)
    return (batch - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def main():
    depth, seed, out, photos = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    torch.manual_seed(seed)
    torch.set_num_threads(2)
    net = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    last = "bn3" if depth >= 50 else "bn2"
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            n = module.num_features
            weight = torch.exp(0.4 * torch.randn(n))
            outliers = torch.rand(n) < 0.01
            weight[outliers] *= 4
            scale = 0.25 if name.endswith(last) else 1.0
            module.weight.data = weight * scale
            module.bias.data = (torch.randn(n) * 0.5 - 0.3) * weight * scale
            module.momentum = None
            module.reset_running_stats()
    net.train()
    with torch.no_grad():
        net(crops(photos, 32, seed))
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, out)


main()
