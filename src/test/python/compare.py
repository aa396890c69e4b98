"""Compares the library with PyTorch and Pillow on your own images and weights, stage by stage.

    python compare.py --jar target/attentive-cutmix-cli.jar --images FOLDER --weights resnet50.pth [--precision fp32] [--limit 64]

It runs the jar's `attend --features` and `mix` on the folder, computes the same with plain PyTorch (reference.py), and prints how far
features, heat maps, cells, pixels and labels agree. Weights: a file of torchvision or timm (safetensors or torch.save), or
synthetic:DEPTH[:SEED]. Needs the packages of requirements.txt. Exit status 1 if a stage disagrees beyond what is printed as allowed.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image

import reference
import synthetic_weights

# relative L2 of the features: float sums in another order; bfloat16 rounds every activation to 8 bits
FEATURE_TOLERANCE = {"fp32": 1e-5, "bf16": 3e-2}
MARGIN = {"fp32": 1e-4, "bf16": 2e-2}


def state(weights):
    """(depth, torchvision's name to array), by the rules the library has for names."""
    if weights.startswith("synthetic"):
        parts = (weights.split(":") + ["50", "0"][len(weights.split(":")) - 1:])[1:]
        return int(parts[0]), synthetic_weights.synthetic(int(parts[0]), int(parts[1]))
    if weights.endswith(".safetensors"):
        from safetensors.torch import load_file

        tensors = load_file(weights)
    else:
        tensors = torch.load(weights, map_location="cpu", weights_only=True)
        for key in ("state_dict", "model", "model_state", "model_state_dict"):
            tensors = tensors.get(key, tensors) if isinstance(tensors.get(key, None), dict) else tensors
    first = next(name for name in tensors if name.endswith("conv1.weight") and ".layer" not in "." + name)
    prefix = first[: -len("conv1.weight")]
    plain = {n[len(prefix):]: t.float().numpy() for n, t in tensors.items() if n.startswith(prefix) and t.is_floating_point()}
    blocks = tuple(len({n.split(".")[1] for n in plain if n.startswith(f"layer{i}.")}) for i in range(1, 5))
    deep = "layer1.0.conv3.weight" in plain
    depth = next(d for d, b in synthetic_weights.BLOCKS.items() if b == blocks and (d >= 50) == deep)
    return depth, plain


def run(jar, *arguments):
    command = ["java", "-jar", jar, *arguments, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(command)}\nended with status {done.returncode}: {done.stderr}")


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jar", required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--precision", default="fp32", choices=sorted(MARGIN))
    parser.add_argument("--k", type=int, default=6)
    parser.add_argument("--limit", type=int, default=64)
    args = parser.parse_args()
    depth, tensors = state(args.weights)
    model = reference.build(depth, tensors)
    root = pathlib.Path(args.images)
    common = ["--images", args.images, "--weights", args.weights, "--precision", args.precision, "--k", str(args.k),
              "--limit", str(args.limit)]
    failures = []

    with tempfile.TemporaryDirectory() as folder:
        attend, mixed = pathlib.Path(folder, "attend"), pathlib.Path(folder, "mix")
        run(args.jar, "attend", *common, "--out", str(attend), "--features", "--no-pictures")
        run(args.jar, "mix", *common, "--out", str(mixed), "--order", "sorted")

        errors, heats, overlaps, close, wrong = [], [], [], 0, []
        for line in lines(attend / "attention.jsonl"):
            image = reference.read(root / line["file"])
            expected = reference.features(model, image)
            found = np.load((attend / "features" / line["file"]).with_suffix(".npy")).transpose(2, 0, 1)
            errors.append(np.linalg.norm(found - expected) / np.linalg.norm(expected))
            heat = reference.heat_map(expected, "MEAN")
            heats.append(np.abs(np.array(line["heat"]).reshape(heat.shape) - heat).max() / (heat.max() - heat.min()))
            cells = reference.select(heat, args.k)
            overlaps.append(len(set(cells) & set(line["cells"])))
            near = reference.margin(heat, args.k) <= MARGIN[args.precision]
            close += near
            if cells != line["cells"] and not near:
                wrong.append(line["file"])
        n = len(errors)
        print(f"{n} images, ResNet-{depth}, {args.precision}, torch {torch.__version__}, Pillow {Image.__version__}")
        print(f"features   relative L2: largest {max(errors):.2e}, mean {np.mean(errors):.2e}"
              f" (allowed {FEATURE_TOLERANCE[args.precision]:.0e})")
        print(f"heat maps  largest difference as a share of the range: {max(heats):.2e}")
        print(f"cells      {np.mean(overlaps):.4f} of {args.k} on average, {min(overlaps)} at least; {sum(o == args.k for o in overlaps)} of {n}"
              f" identical; {close} near ties (margin up to {MARGIN[args.precision]:.0e}), other differences: {len(wrong)} {wrong[:5]}")
        if max(errors) > FEATURE_TOLERANCE[args.precision]:
            failures.append("features")
        if wrong:
            failures.append("cells")

        equal, bad, weights, labels = 0, [], 0, 0
        rows = lines(mixed / "labels.jsonl")
        for line in rows:
            source, background = reference.read(root / line["source"]), reference.read(root / line["background"])
            pixels, share = reference.mix_native(source, background, line["cells"], 7)
            same = np.array_equal(pixels, np.asarray(Image.open(mixed / line["file"])))
            equal += same
            if not same:
                bad.append(line["file"])
            weights += np.float32(line["source_weight"]) == share
            folders = line["source"].split("/")[:-1], line["background"].split("/")[:-1]
            labels += line["source_label"] is None or (line["source_label"] == line["background_label"]) == (folders[0][:1] == folders[1][:1])
        print(f"pixels     {equal} of {len(rows)} images bit for bit, given the library's cells {bad[:5]}")
        print(f"labels     weights equal for {weights} of {len(rows)}, classes for {labels} of {len(rows)}")
        if equal < len(rows):
            failures.append("pixels")
        if weights < len(rows) or labels < len(rows):
            failures.append("labels")
    if failures:
        sys.exit("disagree: " + ", ".join(failures))


if __name__ == "__main__":
    main()
