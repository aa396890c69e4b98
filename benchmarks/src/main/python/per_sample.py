"""The per-sample pipeline that published PyTorch code has in a Dataset: for every image decode it and its partner, resize, one
forward pass of a batch of one, top-k, paste. One worker of several, each with one thread of torch, as a DataLoader has them.
Needs torch, torchvision, Pillow and safetensors. The benchmark jar starts it (record FOLDER --python PYTHON):

    per_sample.py FOLDER WEIGHTS WORKER WORKERS

FOLDER has 0.jpg, 1.jpg, ...; image i's partner is image i + 1, the last one's the first. The first line that is written names
versions. Then for every line read, images WORKER, WORKER + WORKERS, ... are mixed, and one line of JSON is written:
[[image, selected cells ascending, source weight], ...].
"""
import io
import json
import pathlib
import sys

import PIL
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torchvision import transforms

K, GRID, SIDE = 6, 7, 224

folder, weights = pathlib.Path(sys.argv[1]), sys.argv[2]
worker, workers = int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)

# Held in memory, as the other pipelines hold them
files = [(folder / f"{i}.jpg").read_bytes() for i in range(len(list(folder.glob("*.jpg"))))]
model = torchvision.models.resnet50(weights=None)
state = {k: v for k, v in model.state_dict().items() if k.endswith("num_batches_tracked")}  # not in the file; not used
model.load_state_dict(state | load_file(weights))
# Published code has neither line; both make it faster
model = model.eval().to(memory_format=torch.channels_last)
extractor = torch.nn.Sequential(*list(model.children())[:-2])
prepare = transforms.Compose([
    transforms.Resize((SIDE, SIDE), interpolation=transforms.InterpolationMode.BICUBIC),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])


@torch.inference_mode()
def mix(source_file, background_file):
    source = Image.open(io.BytesIO(source_file)).convert("RGB")
    background = Image.open(io.BytesIO(background_file)).convert("RGB")
    x = prepare(source).unsqueeze(0).contiguous(memory_format=torch.channels_last)
    heat = extractor(x).mean(dim=1).flatten()
    cells = sorted(torch.topk(heat, K).indices.tolist())
    width, height = background.size
    if source.size != background.size:
        source = source.resize(background.size, Image.Resampling.BICUBIC)
    taken = 0
    for cell in cells:
        row, column = divmod(cell, GRID)
        box = (column * width // GRID, row * height // GRID, (column + 1) * width // GRID, (row + 1) * height // GRID)
        background.paste(source.crop(box), box[:2])
        taken += (box[2] - box[0]) * (box[3] - box[1])
    return background, cells, taken / (width * height)


def say(value):
    print(json.dumps(value), flush=True)


say({"python": sys.version.split()[0], "torch": torch.__version__, "torchvision": torchvision.__version__,
     "pillow": PIL.__version__})
for _ in sys.stdin:
    done = []
    for i in range(worker, len(files), workers):
        _, cells, weight = mix(files[i], files[(i + 1) % len(files)])
        done.append([i, cells, weight])
    say(done)
