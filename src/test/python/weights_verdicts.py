"""What others say of weights files, for the Java tests to compare with.

    python weights_verdicts.py      writes golden/weights/safetensors_verdicts.txt and timm_variants.txt

(safetensors_differential.py writes as many more files as are wanted.)

safetensors_verdicts.txt: one file per line, the verdict of the safetensors package ("accept" or "refuse") and the file
in Base64.
timm_variants.txt: one network of timm per line: its name, the depth of the plain network that is nearest, and the
differences of
its state dict from that one's, "-name" for what is missing, "+name shape" for what is added or of another shape.
"""

import base64
import json
import pathlib
import random

import safetensors

OUT = pathlib.Path(__file__).parent.parent / "resources" / "golden" / "weights"
GOOD = '"dtype":"F32","shape":[2],"data_offsets":[0,8]'


def file(header, data=0, length=None):
    header = header if isinstance(header, bytes) else header.encode("utf-8", "surrogatepass")
    prefix = (len(header) if length is None else length).to_bytes(8, "little")
    return prefix + header + bytes(i % 251 for i in range(data))


def verdict(content):
    try:
        safetensors.deserialize(content)
        return "accept"
    except Exception:
        return "refuse"


def field_cases():
    """Every value of a list in every place of a header that is sound otherwise."""
    values = ["0", "1", "2", "-1", "2.0", "2e0", "-0", "0.0", "02", "+2", '"2"', "null", "true", "[]", "[2]", "{}",
              "1e400", "NaN",
              "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615",
              "18446744073709551616", "1" * 400, '"F32"', '"f32"', '"F64"', '"F16"', '"BF16"', '"U8"', '"BOOL"',
              '"I64"', '"F4"',
              '"\\u0046\\u00332"', '"F32 "', '""', "[0,8]", "[0,8,8]", "[8,0]", "[0]", "[0,8.0]", "[4,8]", "[1,9]",
              "[0,7]", "[0,16]",
              "[2,1]", "[1,1,1,1,1,1,1,2]", "[2,-1]", "[0,-0]", "[2,[1]]", "[2,null]", "[1,1,1,1,1,1,1,1,2]",
              "[0,18446744073709551615]", "[18446744073709551615,18446744073709551615,0]", "[4294967296,4294967296]"]
    for value in values:
        yield file('{"a":{"dtype":%s,"shape":[2],"data_offsets":[0,8]}}' % value, 8)
        yield file('{"a":{"dtype":"F32","shape":%s,"data_offsets":[0,8]}}' % value, 8)
        yield file('{"a":{"dtype":"F32","shape":[%s],"data_offsets":[0,8]}}' % value, 8)
        yield file('{"a":{"dtype":"F32","shape":[2],"data_offsets":%s}}' % value, 8)
        yield file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,%s]}}' % value, 8)
        yield file('{"a":{"dtype":"F32","shape":[0],"data_offsets":[%s,%s]}}' % (value, value))
        yield file('{"a":{"x":%s,%s}}' % (value, GOOD), 8)
        yield file('{"a":%s}' % value, 8)
        yield file('{"__metadata__":%s}' % value)
        yield file('{"__metadata__":{"k":%s}}' % value)
        yield file(value)


def structure_cases():
    one = "{%s}" % GOOD
    for text in ["{}", " {}", "{} ", "\t\r\n{}\t\r\n ", "{}\0", "{}x", "{}{}", "{},", "[]", "", " ", "{", "}",
                 "\ufeff{}", "{'a':1}",
                 "{/**/}", "{//\n}", "{\"a\":1,}", "{,}", "{\"a\"}", "{\"a\":}", "{a:1}", "\u00a0{}", "\f{}",
                 "{\"a\n\":1}",
                 "{\"\\ud800\":%s}" % one, "{\"\\udc00\\ud800\":%s}" % one, "{\"\\ud83d\\ude00\":%s}" % one,
                 "{\"\\x\":%s}" % one,
                 "{\"\\u12\":%s}" % one, "{\"\":%s}" % one, "{\"\\u0000\":%s}" % one, "{\"../../x\":%s}" % one,
                 "{\"a\":%s,\"a\":%s}" % (one, one), "{\"t\":%s,\"\\u0074\":%s}" % (one, one),
                 "{\"a\":{%s,%s}}" % (GOOD, GOOD),
                 "{\"__metadata__\":{},\"__metadata__\":{},\"a\":%s}" % one,
                 "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"},\"a\":%s}" % one,
                 "{\"__metadata__\":{\"\\ud800\":\"v\"},\"a\":%s}" % one,
                 "{\"__metadata__\":{\"k\":\"\\ud800\"},\"a\":%s}" % one,
                 "{\"a\":[\"F32\",[2],[0,8]]}", "{\"\\u005f_metadata__\":{\"k\":\"v\"},\"a\":%s}" % one]:
        for data in (0, 7, 8, 9):
            yield file(text, data)
    for raw in [b'{"\xff":1}', b'{"\xc0\x80":1}', b'{"\xed\xa0\x80":1}', b'{"\xf4\x90\x80\x80":1}',
                "{}".encode("utf-16"),
                "{}".encode("utf-16-le"), "{}".encode("utf-32")]:
        yield file(raw)
    for depth in (3, 30, 62, 126, 127, 128, 200):
        yield file('{"a":{"x":%s%s,%s}}' % ("[" * depth, "]" * depth, GOOD), 8)
    good = file("{\"a\":%s}" % one, 8)
    for n in range(len(good)):
        yield good[:n]
    for length in (0, 1, len(good) - 16, len(good) - 17, len(good) - 15, 2**31, 2**32, 2**63, 2**64 - 1, 100_000_001):
        yield length.to_bytes(8, "little") + good[8:]
    u8 = '{"dtype":"U8","shape":[%d],"data_offsets":[%d,%d]}'
    for ranges in [((0, 2), (2, 4)), ((2, 4), (0, 2)), ((0, 2), (3, 4)), ((0, 3), (2, 4)), ((0, 4), (0, 4)), ((0, 4),
                   (4, 4)),
                   ((0, 4), (0, 0)), ((0, 4), (2, 2)), ((1, 4), (0, 0)), ((0, 4), (1, 3)), ((0, 0), (0, 4)), ((0, 0),
                   (0, 0))]:
        yield file("{%s}" % ",".join('"t%d":' % i + u8 % (e - b, b, e) for i, (b, e) in enumerate(ranges)), 4)


def decision_cases():
    """What the package accepts and we refuse, with its neighbours that both accept."""
    for dtype, bits in [("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("F8_E5M2", 8), ("F8_E4M3", 8), ("F8_E8M0", 8),
                        ("F8_E4M3FNUZ", 8), ("F8_E5M2FNUZ", 8), ("U16", 16), ("U32", 32), ("C64", 64), ("U64", 64)]:
        yield file('{"a":{"dtype":"%s","shape":[4],"data_offsets":[0,%d]}}' % (dtype, bits // 2), bits // 2)
    for shape in ["[0,2147483647]", "[0,2147483648]", "[0,999999999999999999]", "[0,1000000000000000000]",
                  "[0,18446744073709551615]", "[0,1,1,1,1,1,1,1]", "[0,1,1,1,1,1,1,1,1]"]:
        yield file('{"a":{"dtype":"F32","shape":%s,"data_offsets":[0,0]}}' % shape)
    for depth in (61, 62, 63, 64, 100):
        yield file('{"a":{"x":%s%s,%s}}' % ("[" * depth, "]" * depth, GOOD), 8)
    yield file('{"t1":{"dtype":"F32","shape":[3],"data_offsets":[0,8]},"t1":{%s}}' % GOOD, 8)
    yield file('{"t1":{"dtype":"U16","shape":[4],"data_offsets":[8,0]},"t1":{%s}}' % GOOD, 8)


def random_case(rng):
    """Some tensors with sound offsets; then, mostly, a few changes to the text, to its bytes or to the length."""
    tensors, at = [], 0
    for i in range(rng.randrange(4)):
        dtype, width = rng.choice([("F32", 4), ("F16", 2), ("BF16", 2), ("F64", 8), ("U8", 1), ("I64", 8), ("BOOL", 1)])
        shape = [rng.randrange(4) for _ in range(rng.randrange(4))]
        size = width
        for side in shape:
            size *= side
        tensors.append((f"t{i}", {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}))
        at += size
    rng.shuffle(tensors)
    text = json.dumps(dict(tensors), separators=rng.choice([(",", ":"), (", ", ": ")]))
    if rng.random() < 0.3:
        text = text.replace("{", '{"__metadata__":{"format":"pt"}' + ("," if tensors else ""), 1)
    pieces = ['"', ",", ":", "{", "}", "[", "]", "0", "1", "-", ".", "e", "\\u0041", " ", "null", "true", '"shape"',
              '"dtype"',
              '"data_offsets"', '"F32"', '"t0"', '"t1"', "\\", "/", "é", "\0", "18446744073709551615", "4294967296"]
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        a = rng.randrange(len(text) + 1)
        change = rng.randrange(5)
        if change == 0:
            text = text[:a] + text[a + 1 + rng.randrange(3):]
        elif change == 1:
            text = text[:a] + rng.choice(pieces) + text[a:]
        elif change == 2:
            text = text[:a] + rng.choice(pieces) + text[a + 1:]
        elif change == 3:
            b = rng.randrange(len(text) + 1)
            text = text[:a] + text[min(a, b):max(a, b)] + text[a:]
        elif text:
            digits = [i for i, c in enumerate(text) if c.isdigit()]
            if digits:
                i = rng.choice(digits)
                text = text[:i] + str(rng.randrange(10)) + text[i + 1:]
    header = bytearray(text.encode())
    if header and rng.random() < 0.1:
        header[rng.randrange(len(header))] = rng.randrange(256)
    length = len(header) + (rng.choice([-1, 1, 8, 256]) if rng.random() < 0.05 else 0)
    return file(bytes(header), at + (rng.choice([-1, 1, 4]) if rng.random() < 0.1 and at else 0), max(length, 0))


def lines(cases):
    return "".join(f"{verdict(c)} {base64.b64encode(c).decode()}\n" for c in cases)


def timm_variants():
    import timm
    import torch
    import torchvision

    def shapes(model):
        return {n: list(t.shape) for n, t in model.state_dict().items() if not n.endswith("num_batches_tracked")}

    with torch.device("meta"):
        plain = {d: shapes(getattr(torchvision.models, f"resnet{d}")()) for d in (18, 34, 50, 101, 152)}
        out = ""
        for name in ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnetaa50", "resnetblur50",
                     "wide_resnet50_2",
                     "resnext50_32x4d", "seresnet50", "resnet50_gn", "resnet50c", "resnet50d", "resnet50s",
                     "resnet18d", "resnet26",
                     "resnet10t", "resnet200", "ecaresnet50d", "resnetrs50", "legacy_seresnet18", "skresnet18",
                     "resnet32ts",
                     "resnet51q", "resnest14d", "nf_resnet26"]:
            own = shapes(timm.create_model(name))
            depth = min(plain, key=lambda d: len(set(map(str, own.items())) ^ set(map(str, plain[d].items()))))
            wanted = plain[depth]
            words = [name, str(depth)] + ["-" + n for n in wanted if n not in own]
            words += ["+" + n + "=" + ",".join(map(str, s)) for n, s in own.items() if wanted.get(n) != s]
            out += " ".join(words) + "\n"
    return out


if __name__ == "__main__":
    rng = random.Random(1)
    cases = [*field_cases(), *structure_cases(), *(random_case(rng) for _ in range(600)), *decision_cases()]
    (OUT / "safetensors_verdicts.txt").write_text(lines(dict.fromkeys(cases)))
    (OUT / "timm_variants.txt").write_text(timm_variants())
