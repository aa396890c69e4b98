"""Makes src/test/resources/golden/weights/handled.txt: archives that are sound though unusual, and what torch reads.

One archive per two or more lines: "file NAME BASE64", then for every tensor "tensor NAME TYPE SIDES HEX", the bytes
contiguous and little-endian. Run in its folder.
"""

import base64
import io
import pathlib
import zipfile

import torch

OUT = pathlib.Path(__file__).parent.parent / "resources" / "golden" / "weights" / "handled.txt"
WIDTH = {torch.float64: 8, torch.float32: 4, torch.float16: 2, torch.bfloat16: 2, torch.int64: 8, torch.int32: 4,
         torch.int16: 2, torch.int8: 1, torch.uint8: 1, torch.bool: 1}


def saved(value, location=None):
    original = torch.serialization.location_tag
    if location:
        torch.serialization.location_tag = location
    try:
        out = io.BytesIO()
        torch.save(value, out)
        return out.getvalue()
    finally:
        torch.serialization.location_tag = original


class Pipe(io.RawIOBase):
    """Cannot seek, so that zipfile writes descriptors after the data."""

    def __init__(self):
        self.data = bytearray()

    def writable(self):
        return True

    def write(self, b):
        self.data += b
        return len(b)


def rezipped(content, out=None, zip64=False, change=lambda name, data: (name, data)):
    target = out or io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            kept = change(name, old.read(name))
            if kept:
                with new.open(zipfile.ZipInfo(kept[0]), "w", force_zip64=zip64) as entry:
                    entry.write(kept[1])
    return bytes(out.data) if out else target.getvalue()


def big_endian(content, widths):
    def swap(name, data):
        inner = name.split("/", 1)[1]
        if inner == "byteorder":
            return name, b"big"
        if inner.startswith("data/"):
            w = widths[int(inner[5:])]
            return name, b"".join(data[i:i + w][::-1] for i in range(0, len(data), w))
        return name, data
    return rezipped(content, change=swap)


def without(*names):
    return lambda name, data: None if name.split("/", 1)[1] in names else (name, data)


def flat(value, prefix=""):
    for key, item in value.items():
        if isinstance(key, str) and isinstance(item, dict):
            yield from flat(item, f"{prefix}{key}.")
        elif isinstance(key, str) and isinstance(item, torch.Tensor):
            yield prefix + key, item


def cases():
    torch.manual_seed(3)
    some = {"a": torch.randn(3), "b": torch.arange(4, dtype=torch.int64), "c": torch.randn(2, 2).half()}
    yield "descriptors", rezipped(saved(some), out=Pipe())
    yield "descriptors of 64 bits", rezipped(saved(some), out=Pipe(), zip64=True)
    yield "sizes in the headers, no padding", rezipped(saved(some))
    yield "sizes of 64 bits", rezipped(saved(some), zip64=True)
    yield "padding for alignment", saved(some)
    yield "another folder", rezipped(saved(some), change=lambda n, d: ("größe 1/" + n.split("/", 1)[1], d))
    yield "without byteorder, as before 2.1", rezipped(saved(some), change=without("byteorder", ".format_version",
                                                       ".storage_alignment", ".data/serialization_id"))
    kinds = {str(t)[6:]: (torch.randn(5) * 50).to(t) for t in WIDTH}
    yield "big endian", big_endian(saved(kinds), [t.element_size() for t in kinds.values()])
    yield "big endian, not contiguous", big_endian(saved({"t": torch.randn(3, 4).t(), "s": torch.randn(6)[1::2]}), [4, 4])
    yield "every type", saved(kinds)
    places = iter(["cuda:0", "cuda:99", "mps", "xla:1", "npu:0", "meta"])
    yield "locations", saved({f"w{i}": torch.randn(2) for i in range(6)}, location=lambda storage: next(places))
    base = torch.randn(12)
    yield "tied", saved({"embedding": base, "decoder": base, "head": {"weight": base.view(3, 4)},
                         "part": base[3:7], "last": base[11], "window": base.as_strided((5, 2), (2, 1))})
    conv = torch.randn(4, 3, 3, 3)
    yield "strides", saved({
        "channels_last": conv.to(memory_format=torch.channels_last), "transposed": torch.randn(3, 5).t(),
        "permuted": torch.randn(2, 3, 4, 5).permute(3, 1, 0, 2), "step": torch.randn(9)[1::3],
        "one": torch.randn(3).as_strided((1, 3, 1), (7, 1, 9)), "empty": torch.zeros(0, 3).t(),
        "rank_0": torch.tensor(2.5), "column": torch.randn(4, 4)[:, 2]})
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))
    net[1].num_batches_tracked += 2**40 + 7
    net(torch.randn(1, 3, 2, 2)).sum().backward()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    optimiser.step()
    yield "checkpoint", saved({
        "epoch": 3, "arch": "resnet50", "best_acc1": 76.15, "amp": None, "args": {"lr": 0.1, "steps": (30, 60), "x": [1, {}]},
        "state_dict": {"module." + k: v for k, v in net.state_dict().items()}, "optimizer": optimiser.state_dict(),
        "rng": torch.arange(16, dtype=torch.uint8)})
    weight = torch.nn.Parameter(torch.randn(3))
    weight.register_hook(lambda g: g)
    yield "parameters", saved({"w": weight, "frozen": torch.nn.Parameter(torch.randn(2), requires_grad=False),
                               "buffer": torch.randn(2).requires_grad_()})


def main():
    lines = []
    for name, content in cases():
        lines.append(f"file {name.replace(' ', '_')} {base64.b64encode(content).decode()}")
        read = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        for key, tensor in flat(read):
            sides = ",".join(map(str, tensor.shape)) or "-"
            data = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes().hex() or "-"
            lines.append(f"tensor {key} {str(tensor.dtype)[6:]} {sides} {data}")
    OUT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
