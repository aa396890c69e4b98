"""The library's synthetic weights (`Weights.synthetic`), bit for bit, in numpy.

    python synthetic_weights.py DEPTH SEED FILE     writes them as a safetensors file
"""

import hashlib
import sys

import numpy as np

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
CLASSES = 1000


def mix64(z):
    """SplitMix64's finaliser (Steele, Lea, Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(seed, tensor, count):
    """`count` values in [-1, 1), multiples of 2^-23: the stream of the tensor with this number."""
    with np.errstate(over="ignore"):
        start = mix64(np.uint64(seed & 0xFFFFFFFFFFFFFFFF) + GOLDEN * np.uint64(tensor + 1))
        bits = mix64(start + GOLDEN * np.arange(1, count + 1, dtype=np.uint64))
    return (bits >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def convolutions(depth):
    """(name, batch norm, in, out, kernel, role, level) in the library's order.

    role: "inner", "last" (of a block's path) or "shortcut"; level: second moment expected of the input.
    """
    bottleneck = depth >= 50
    yield "conv1", "bn1", 3, 64, 7, "inner", 1.0
    channels, stream = 64, 1.0
    for layer, count in enumerate(BLOCKS[depth], 1):
        width = 64 << (layer - 1)
        out = width * 4 if bottleneck else width
        for block in range(count):
            name = f"layer{layer}.{block}"
            kernels = (1, 3, 1) if bottleneck else (3, 3)
            sizes = (channels, width, width, out) if bottleneck else (channels, width, out)
            for i, kernel in enumerate(kernels):
                role = "last" if i == len(kernels) - 1 else "inner"
                yield f"{name}.conv{i + 1}", f"{name}.bn{i + 1}", sizes[i], sizes[i + 1], kernel, role, stream if i == 0 else 1.0
            if channels != out or (layer > 1 and block == 0):
                yield f"{name}.downsample.0", f"{name}.downsample.1", channels, out, 1, "shortcut", stream
                stream = 1.0
            stream += 0.125
            channels = out


def synthetic(depth, seed):
    """Name to float32 array, in the library's order."""
    tensors = {}
    number = 0

    def draw(count):
        nonlocal number
        number += 1
        return uniform(seed, number - 1, count)

    f = np.float32
    for name, norm, cin, cout, kernel, role, level in convolutions(depth):
        fan = cin * kernel * kernel
        bound = f(np.sqrt(3.0 / fan))
        tensors[name + ".weight"] = (draw(cout * fan) * bound).reshape(cout, cin, kernel, kernel)
        centre, spread = {"inner": (1.5, 0.25), "last": (0.5, 0.25), "shortcut": (1.0, 0.25)}[role]
        tensors[norm + ".weight"] = draw(cout) * f(spread) + f(centre)
        tensors[norm + ".bias"] = draw(cout) * f(0.25)
        tensors[norm + ".running_mean"] = draw(cout) * f(0.25)
        tensors[norm + ".running_var"] = (draw(cout) * f(0.5) + f(1)) * f(level)
    features = 2048 if depth >= 50 else 512
    tensors["fc.weight"] = (draw(CLASSES * features) * f(np.sqrt(3.0 / features))).reshape(CLASSES, features)
    tensors["fc.bias"] = draw(CLASSES) * f(0.25)
    return tensors


def sha256(tensor):
    """Of the tensor's little-endian bytes, row-major."""
    return hashlib.sha256(np.ascontiguousarray(tensor).astype("<f4").tobytes()).hexdigest()


if __name__ == "__main__":
    from safetensors.numpy import save_file

    save_file(synthetic(int(sys.argv[1]), int(sys.argv[2])), sys.argv[3])
