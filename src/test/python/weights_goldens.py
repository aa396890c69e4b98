"""Makes src/test/resources/golden/weights: hashes of the synthetic weights, and small files of the real safetensors package."""

import json
import pathlib
import hashlib

import numpy as np
import torch
from safetensors.torch import save_file

import synthetic_weights

OUT = pathlib.Path(__file__).parent.parent / "resources" / "golden" / "weights"


def hashes():
    all_hashes = {}
    for depth, seed in ((18, 0), (34, 0), (50, 0), (101, 0), (152, 0), (18, -7)):
        tensors = synthetic_weights.synthetic(depth, seed)
        digest = hashlib.sha256()
        for tensor in tensors.values():
            digest.update(np.ascontiguousarray(tensor).astype("<f4").tobytes())
        # 8 bytes of a tensor's hash tell it apart as well as 32, and keep the file small
        all_hashes[f"resnet{depth} seed {seed}"] = {
            "all": digest.hexdigest(),
            "tensors": {name: synthetic_weights.sha256(t)[:16] for name, t in tensors.items()},
        }
    (OUT / "synthetic_hashes.json").write_text(json.dumps(all_hashes, indent=0))


def dtypes():
    values = torch.tensor([[0.0, -0.0, 1.5], [65504.0, 6.103515625e-05, -3.140625]])
    tensors = {
        "f32": values,
        "f16": torch.tensor([0.0, -0.0, 1.5, 65504.0, 6.1e-05, 5.960464477539063e-08, -1e-07, 0.333251953125]).half(),
        "bf16": torch.tensor([0.0, 1.5, -3.140625, 3.3895313892515355e38, 1e-40]).bfloat16(),
        "f64": torch.tensor([1 / 3, -1e-300, 1e30, 2.0000001788139343]).double(),
        "scalar": torch.tensor(7, dtype=torch.int64),
        "empty": torch.zeros(0, 4),
    }
    save_file(tensors, OUT / "dtypes.safetensors", metadata={"format": "pt", "unicode": "größe 日本"})
    expected = {
        name: {"shape": list(t.shape), "bits": [int(b) for b in t.float().numpy().reshape(-1).view(np.uint32)]}
        for name, t in tensors.items() if t.is_floating_point()
    }
    (OUT / "dtypes.json").write_text(json.dumps(expected, indent=0))


def archives():
    """Files of the real torch.save; every name to its shape and float bits, as reading it back gives them."""
    torch.manual_seed(0)
    conv = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    last = torch.nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    base = torch.arange(24, dtype=torch.float32)
    cases = {
        "plain": conv.state_dict(),
        "nested": {
            "epoch": 7, "lr": 0.125, "name": "größe", "best": None, "flags": (True, False, -3, 2**40, [1, 2]),
            "state_dict": {"module." + k: v for k, v in conv.state_dict().items()},
            "optimizer": torch.optim.AdamW(conv.parameters()).state_dict(),
        },
        "types": {
            "half": base.half(), "bfloat": base.bfloat16() / 3, "double": base.double() / 3, "long": torch.arange(3),
            "int": torch.arange(3, dtype=torch.int32), "bool": torch.tensor([True, False]), "byte": torch.arange(5, dtype=torch.uint8),
        },
        "views": {
            "channels_last": last.weight.detach(), "shared": base, "slice": base[4:10], "transposed": base.view(4, 6).t(),
            "every_other": base[1::2], "scalar": base[5], "empty": base[:0].view(0, 3), "one_sided": base.view(24, 1)[3:5],
        },
        "leaves": {
            "model_state": {"w": base[:2].clone(), "none": torch.zeros(0, 4), "scalar": torch.tensor(2.5)},
            "dtype": torch.float32, "seed": 2**64 - 1, "below": -2**63 - 1, "ids": {1: "a", 2: [base[:1].clone()]},
        },
        "at_10:30:00": {"model": {"module.w": base[:2].clone()}},
        "parameters": {"weight": torch.nn.Parameter(base[:6].clone()), "frozen": torch.nn.Parameter(base[:2].clone(), False)},
    }
    expected = {}

    def walk(value, name, out):
        for key, item in value.items():
            if isinstance(key, str):
                path = f"{name}.{key}" if name else key
                if isinstance(item, dict):
                    walk(item, path, out)
                elif isinstance(item, torch.Tensor):
                    floats = item.detach().float().contiguous().numpy().reshape(-1)
                    out[path] = {"type": str(item.dtype), "shape": list(item.shape), "bits": [int(b) for b in floats.view(np.uint32)]}

    for name, value in cases.items():
        torch.save(value, OUT / f"{name}.pth")  # the folder in the archive is named after the file
        if ":" in name:  # no file name everywhere
            (OUT / f"{name}.pth").rename(OUT / f"{name.replace(':', '-')}.pth")
        expected[name] = {}
        walk(value, "", expected[name])
    (OUT / "archives.json").write_text(json.dumps(expected, indent=0))
    torch.save(conv, OUT / "module.pth")
    torch.jit.script(torch.nn.Identity()).save(str(OUT / "script.pt"))
    torch.export.save(torch.export.export(torch.nn.Identity(), (torch.ones(1),)), OUT / "export.pt2")
    torch.save(conv.state_dict(), OUT / "legacy.pth", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    hashes()
    dtypes()
    archives()
