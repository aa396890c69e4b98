"""The per-sample pipeline that published PyTorch code has: for every image decode, resize, one forward pass of a batch of one,
top-k, paste. Prints one JSON object. Needs torch, torchvision and Pillow; weights are random, which changes no time.

    python3 per_sample.py FOLDER_OF_JPEGS --threads 2 --seconds 20
"""
import argparse
import json
import pathlib
import statistics
import sys
import time

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms

K, GRID, SIDE = 6, 7, 224

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--threads", type=int, default=0, help="0: all processors")
parser.add_argument("--seconds", type=float, default=20)
parser.add_argument("--channels-last", action="store_true", help="not what published code does, but faster")
args = parser.parse_args()
if args.threads:
    torch.set_num_threads(args.threads)

files = sorted(p for p in args.folder.rglob("*") if p.suffix in (".jpg", ".jpeg"))
if len(files) < 2:
    sys.exit(f"{args.folder} has {len(files)} JPEG files; needed: 2 or more")
torch.manual_seed(7)
model = torchvision.models.resnet50(weights=None).eval()
extractor = torch.nn.Sequential(*list(model.children())[:-2])
if args.channels_last:
    extractor = extractor.to(memory_format=torch.channels_last)
prepare = transforms.Compose([
    transforms.Resize((SIDE, SIDE), interpolation=transforms.InterpolationMode.BICUBIC),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])


@torch.inference_mode()
def mix(source_file, background_file):
    source = Image.open(source_file).convert("RGB")
    background = Image.open(background_file).convert("RGB")
    x = prepare(source).unsqueeze(0)
    if args.channels_last:
        x = x.contiguous(memory_format=torch.channels_last)
    heat = extractor(x).mean(dim=1).flatten()
    width, height = background.size
    source = source.resize(background.size, Image.Resampling.BICUBIC)
    taken = 0
    for cell in torch.topk(heat, K).indices.tolist():
        row, column = divmod(cell, GRID)
        box = (column * width // GRID, row * height // GRID, (column + 1) * width // GRID, (row + 1) * height // GRID)
        background.paste(source.crop(box), box[:2])
        taken += (box[2] - box[0]) * (box[3] - box[1])
    return background, taken / (width * height)


def one(i):
    image, weight = mix(files[i % len(files)], files[(i + 1) % len(files)])
    assert 0 < weight < 1 and image.size[0] > 0


for i in range(10):
    one(i)
times = []
end = time.perf_counter() + args.seconds
while time.perf_counter() < end:
    start = time.perf_counter()
    one(len(times))
    times.append(time.perf_counter() - start)
quartiles = statistics.quantiles(times, n=4)
print(json.dumps({
    "pipeline": "per-sample PyTorch" + (", channels-last" if args.channels_last else ""),
    "images": len(times), "imagesPerSecond": 1 / statistics.median(times),
    "lower": 1 / quartiles[2], "upper": 1 / quartiles[0],
    "threads": torch.get_num_threads(), "torch": torch.__version__, "torchvision": torchvision.__version__,
    "pillow": PIL.__version__, "python": sys.version.split()[0],
}))
