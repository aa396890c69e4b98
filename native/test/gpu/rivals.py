"""What PyTorch does on the same card: a ResNet-50 up to its last feature map, three ways, the whole mixing step eager and
compiled, and the per-sample pipeline that users have today. One JSON object a line; needs torch and numpy alone. Weights
are random, with batch norms that keep activations near 1, which changes no time.

    python3 rivals.py --device cuda --seconds 500 --out rivals.jsonl
    python3 rivals.py --summary rivals.jsonl

Input is on the device, channels_last, in the working type. Every network is compared with eager FP32 before it is timed; a
result that is off is printed as an error and has no figure. imagesPerSecond is from CUDA events around batches launched back
to back; p50ms is the median wall time of a batch that is waited for. Cheap measurements come first, so that a short time
limit cuts the dear ones.
"""
import argparse
import json
import statistics
import sys
import time

K, GRID, SIDE = 6, 7, 224
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Relative L2 of the last feature map against eager FP32: 53 layers of rounding to 11 (FP16, TF32) and 8 bits (BF16)
TOLERANCE = {"fp32": 1e-4, "tf32": 1e-2, "fp16": 1e-2, "bf16": 5e-2}


def summary(path):
    best = {}
    for line in open(path, encoding="utf-8"):
        row = json.loads(line)
        if "imagesPerSecond" in row and row["batch"] in (None, 256 if row.get("device") == "cuda" else row["batch"]):
            best[row["rival"], row["type"]] = row["imagesPerSecond"]
    figures = [f"{rival} {kind} {rate:.0f}/s" for (rival, kind), rate in best.items()]
    print("; ".join(figures) or "no figure at the largest batch")


parser = argparse.ArgumentParser()
parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
parser.add_argument("--seconds", type=float, default=500, help="after which no measurement is begun")
parser.add_argument("--out", default="rivals.jsonl")
parser.add_argument("--batches", default="1,8,64,256")
parser.add_argument("--types", default="")
parser.add_argument("--only", default="", help="names that begin with this")
parser.add_argument("--summary")
args = parser.parse_args()
if args.summary:
    summary(args.summary)
    sys.exit()

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

CUDA = args.device == "cuda"
TYPES = (args.types or ("fp16,bf16,tf32" if CUDA else "fp32")).split(",")
BATCHES = [int(b) for b in args.batches.split(",")] if CUDA else [1, 8]
END = time.monotonic() + args.seconds
torch.manual_seed(7)
torch.backends.cudnn.benchmark = True
out = open(args.out, "a", encoding="utf-8")


def emit(**row):
    line = json.dumps({"device": args.device, **row})
    print(line, flush=True)
    out.write(line + "\n")
    out.flush()


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(inputs, width, 1, bias=False),
                                    nn.Conv2d(width, width, 3, stride, 1, bias=False),
                                    nn.Conv2d(width, 4 * width, 1, bias=False)])
        self.norms = nn.ModuleList([nn.BatchNorm2d(c.out_channels) for c in self.convs])
        self.down = None
        if stride != 1 or inputs != 4 * width:
            self.down = nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = F.relu(self.norms[0](self.convs[0](x)))
        y = F.relu(self.norms[1](self.convs[1](y)))
        y = self.norms[2](self.convs[2](y))
        return F.relu(y + (x if self.down is None else self.down(x)))


class Extractor(nn.Module):
    """ResNet-50 v1.5 as torchvision has it, without its head."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        blocks, inputs = [], 64
        for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(count):
                blocks.append(Bottleneck(inputs, width, stride if i == 0 else 1))
                inputs = 4 * width
        self.blocks = nn.Sequential(*blocks)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_in", nonlinearity="relu")
            if isinstance(m, nn.BatchNorm2d):
                nn.init.uniform_(m.bias, -0.2, 0.2)
        for block in blocks:
            nn.init.constant_(block.norms[2].weight, 0.4)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.conv(x))), 3, 2, 1)
        return self.blocks(x)


def fold(conv, norm):
    """Weights and bias with the batch norm in them, in double."""
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return conv.weight.double() * scale[:, None, None, None], norm.bias.double() - norm.running_mean.double() * scale


class Fused:
    """conv + bias (+ residual) + ReLU in one cuDNN call each. A downsample's bias goes into the bias of the sum it feeds, so
    that it is a bare convolution. Without a GPU the same calls are spelled out, which tests the folding."""

    def __init__(self, model, dtype):
        def cast(w, b):
            w = w.to(dtype).to(args.device).contiguous(memory_format=torch.channels_last)
            return w, b.to(dtype).to(args.device)

        self.stem = cast(*fold(model.conv, model.norm))
        self.blocks = []
        for block in model.blocks:
            layers = [fold(c, n) for c, n in zip(block.convs, block.norms)]
            down = None
            if block.down is not None:
                weight, bias = fold(*block.down)
                down = (cast(weight, bias)[0], block.down[0].stride)
                layers[2] = (layers[2][0], layers[2][1] + bias)
            self.blocks.append(([cast(*layer) for layer in layers], block.convs[1].stride, down))

    @staticmethod
    def conv_relu(x, w, b, stride, padding):
        if not CUDA:
            return F.relu(F.conv2d(x, w, b, stride, padding))
        return torch.cudnn_convolution_relu(x, w, b, stride, padding, (1, 1), 1)

    @staticmethod
    def conv_add_relu(x, w, b, z):
        if not CUDA:
            return F.relu(F.conv2d(x, w, b) + z)
        return torch.cudnn_convolution_add_relu(x, w, z, 1.0, b, (1, 1), (0, 0), (1, 1), 1)

    def __call__(self, x):
        x = F.max_pool2d(self.conv_relu(x, *self.stem, (2, 2), (3, 3)), 3, 2, 1)
        for layers, stride, down in self.blocks:
            y = self.conv_relu(x, *layers[0], (1, 1), (0, 0))
            y = self.conv_relu(y, *layers[1], stride, (1, 1))
            z = x if down is None else F.conv2d(x, down[0], None, down[1])
            x = self.conv_add_relu(y, *layers[2], z)
        return x


def graphed(function, *inputs):
    """The function captured into a CUDA graph; the inputs' memory is the graph's."""
    if not CUDA:
        return lambda: function(*inputs)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            function(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function(*inputs)

    def replay():
        graph.replay()
        return result

    return replay


def wait():
    if CUDA:
        torch.cuda.synchronize()


def measure(run, batch):
    """images/s back to back, and the median milliseconds of a batch that is waited for."""
    for _ in range(3):
        run()
    wait()
    single = []
    for _ in range(30 if CUDA else 3):
        start = time.perf_counter()
        run()
        wait()
        single.append(time.perf_counter() - start)
    repeats = max(1, min(500, int(0.2 / statistics.median(single))))
    rounds = []
    for _ in range(5 if CUDA else 1):
        if CUDA:
            a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            a.record()
            for _ in range(repeats):
                run()
            b.record()
            b.synchronize()
            rounds.append(a.elapsed_time(b) / 1e3 / repeats)
        else:
            start = time.perf_counter()
            run()
            rounds.append(time.perf_counter() - start)
    return batch / statistics.median(rounds), statistics.median(single) * 1e3


def step(network, dtype):
    """uint8 images in, mixed uint8 images out: normalise, extract, reduce, select, mix."""
    mean = torch.tensor(MEAN, device=args.device).view(1, 3, 1, 1)
    std = torch.tensor(STD, device=args.device).view(1, 3, 1, 1)

    def run(images, partner):  # (N, H, W, 3), (N)
        x = images.permute(0, 3, 1, 2)
        heat = network(((x.float() / 255 - mean) / std).to(dtype)).mean(1).flatten(1)
        cells = torch.zeros_like(heat, dtype=torch.bool).scatter_(1, heat.topk(K, 1).indices, True).view(-1, GRID, GRID)
        mask = cells.repeat_interleave(SIDE // GRID, 1).repeat_interleave(SIDE // GRID, 2)
        return torch.where(mask[..., None], images, images[partner])

    return run


def set_type(kind):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = kind == "tf32"
    return {"fp16": torch.float16, "bf16": torch.bfloat16}.get(kind, torch.float32)


def relative(a, b):
    return float((a.double() - b.double()).norm() / b.double().norm())


def dynamo_reset():
    torch._dynamo.reset()


class Rivals:
    def __init__(self):
        self.model = Extractor().eval().to(args.device)
        self.images = torch.randint(0, 256, (max(BATCHES), SIDE, SIDE, 3), dtype=torch.uint8, device=args.device)
        set_type("fp32")
        with torch.inference_mode():
            self.wanted = self.model(self.input(min(8, max(BATCHES)), torch.float32))

    def input(self, batch, dtype):
        x = self.images[:batch].permute(0, 3, 1, 2).float() / 255
        mean, std = (torch.tensor(v, device=args.device).view(1, 3, 1, 1) for v in (MEAN, STD))
        return ((x - mean) / std).to(dtype).contiguous(memory_format=torch.channels_last)

    def cast(self, dtype):
        model = Extractor().eval().to(args.device)
        model.load_state_dict(self.model.state_dict())
        return model.to(dtype).to(memory_format=torch.channels_last)

    def network(self, rival, kind, batch):
        dtype = set_type(kind)
        x = self.input(batch, dtype)
        model = self.cast(dtype)
        if rival == "eager":
            run = lambda: model(x)  # noqa: E731
        elif rival == "fused":
            run = graphed(Fused(self.model, dtype), x)
        else:
            dynamo_reset()
            compiled = torch.compile(model, mode="max-autotune")
            run = lambda: compiled(x)  # noqa: E731
        n = min(batch, len(self.wanted))
        error = relative(run()[:n].float(), self.wanted[:n])
        if not error <= TOLERANCE[kind]:
            raise AssertionError(f"relative L2 against eager FP32 is {error}; allowed: {TOLERANCE[kind]}")
        return run, error

    def whole(self, rival, kind, batch):
        dtype = set_type(kind)
        run = step(self.cast(dtype), dtype)
        images, partner = self.images[:batch], torch.arange(batch, device=args.device).roll(1)
        if rival == "step compiled":
            dynamo_reset()
            run = torch.compile(run, mode="max-autotune")
        mixed = run(images, partner)
        taken = (mixed == images).all(-1).float().mean().item()
        # six of 49 cells, and pixels that are equal by chance
        if not 0.12 <= taken <= 0.13 and batch > 1:
            raise AssertionError(f"{taken} of the pixels are the source's; wanted: 6/49")
        return lambda: run(images, partner), 0.0

    def one(self, rival, kind, batch):
        if time.monotonic() > END:
            emit(rival=rival, type=kind, batch=batch, skipped="time limit")
            return
        try:
            with torch.inference_mode():
                start = time.monotonic()
                run, error = (self.whole if rival.startswith("step") else self.network)(rival, kind, batch)
                ready = time.monotonic() - start
                rate, latency = measure(run, batch)
            emit(rival=rival, type=kind, batch=batch, imagesPerSecond=round(rate, 1), p50ms=round(latency, 4),
                 relativeL2=error, secondsToReady=round(ready, 1))
        except Exception as e:  # one rival that does not run here must not cost the others
            emit(rival=rival, type=kind, batch=batch, error=f"{type(e).__name__}: {str(e)[:300]}")

    def per_sample(self):
        """One image at a time: to the device, a forward pass, top-k and paste in NumPy; published code less decoding."""
        set_type("tf32")
        model = self.model
        images = self.images[:32].cpu().numpy()
        mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)

        def mix(i):
            source, background = images[i % len(images)], images[(i + 1) % len(images)].copy()
            values = (source.astype(np.float32) / 255 - mean) / std
            x = torch.from_numpy(values.transpose(2, 0, 1)[None]).to(args.device)
            heat = model(x).mean(1).flatten().cpu().numpy()
            for cell in np.argsort(-heat)[:K]:
                row, column = (int(c) * (SIDE // GRID) for c in divmod(cell, GRID))
                box = np.s_[row:row + SIDE // GRID, column:column + SIDE // GRID]
                background[box] = source[box]
            return background

        with torch.inference_mode():
            for i in range(5):
                mix(i)
            times, end = [], time.monotonic() + 5
            while time.monotonic() < end:
                start = time.perf_counter()
                mix(len(times))
                times.append(time.perf_counter() - start)
        median = statistics.median(times)
        emit(rival="per-sample pipeline", type="tf32" if CUDA else "fp32", batch=None,
             imagesPerSecond=round(1 / median, 1), p50ms=round(median * 1e3, 3), images=len(times))


def main():
    emit(versions={"torch": torch.__version__, "cuda": torch.version.cuda,
                   "cudnn": torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None,
                   "python": sys.version.split()[0], "card": torch.cuda.get_device_name() if CUDA else None})
    rivals = Rivals()
    if "per-sample".startswith(args.only):
        rivals.per_sample()
    # the largest batch first: it is what the table shows
    batches = sorted(BATCHES, reverse=True)
    order = [(rival, kind, batch) for rival in ("eager", "fused", "step eager") for kind in TYPES for batch in batches]
    if CUDA:
        compiled = ("compiled", "step compiled")
        order += [(rival, kind, batch) for batch in batches for kind in TYPES for rival in compiled]
    for rival, kind, batch in order:
        if rival.startswith(args.only):
            rivals.one(rival, kind, batch)


main()
