"""Changed safetensors files beside what the reference package makes of them, for SafetensorsVerdictsTest.

    python safetensors_differential.py COUNT SEED FILE
    mvn test -Dtest=SafetensorsVerdictsTest -Dsafetensors.verdicts=FILE

One file per line: the verdict, a space, the file in Base64. Verdicts: "accept:D" where D is the sum of the CRC-32 of
every tensor (name, type, shape, bytes), "accept:D:twice" where a name is there twice, and "refuse:" with the package's
reason.
"""

import base64
import json
import random
import re
import sys
import zlib

import safetensors

import weights_verdicts
from weights_verdicts import file

# every type of the package, and the bits of an element
TYPES = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
         "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32,
         "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64}
OURS = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"]
VALUES = ["0", "1", "2", "-1", "2.0", "2e0", "-0", "02", "+2", '"2"', "null", "true", "[]", "{}", "1e400", "NaN",
          "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
          "18446744073709551615", "18446744073709551616", '"F32"', '"f32"', "[0]", "[0,0]", "[0,8]", "[0,0,0]",
          "[1,1,1,1,1,1,1,1]", "[1,1,1,1,1,1,1,1,1]", "[0,18446744073709551615]", "[4294967296,4294967296]",
          '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0046\\u00332"', "[" * 60 + "]" * 60, "[" * 130 + "]" * 130]
NAMES = ["t0", "t1", "\\u0074\\u0030", "", "__metadata__", "../../x", "\\u0000", "größe", "x" * 300, "\\ud83d\\ude00"]


def verdict(content):
    try:
        tensors = safetensors.deserialize(content)
    except Exception as e:
        reason = str(e).removeprefix("Error while deserializing: ").removeprefix("invalid JSON in header: ")
        return "refuse:" + re.split(r"[`\"]|,? at line|[0-9]", reason)[0].strip(" :,(").replace(" ", "_")
    total = 0
    for name, t in tensors:
        shape = ",".join(map(str, t["shape"]))
        total += zlib.crc32(f"{name}\0{t['dtype']}\0{shape}\0".encode() + bytes(t["data"]))
    names = []
    length = int.from_bytes(content[:8], "little")
    json.loads(content[8:8 + length], object_pairs_hook=lambda pairs: names.append([n for n, _ in pairs]))
    twice = len(set(names[-1])) < len(names[-1])
    return f"accept:{total & 0xFFFFFFFF}" + (":twice" if twice else "")


def field_case(rng):
    """A file written field by field, with a chance of each being something else."""
    rarity = rng.choice([1, 0.2, 0.05, 0.02])
    odd = lambda: rng.random() < rarity * 0.1
    members, at = [], 0
    if rng.random() < 0.3:
        keys = ['"%s":"%s"' % (rng.choice(NAMES), rng.choice(["", "pt", "\\n"])) for _ in range(rng.randrange(3))]
        members.append('"__metadata__":' + (rng.choice(VALUES) if odd() else "{" + ",".join(keys) + "}"))
    for i in range(rng.randrange(5)):
        dtype = rng.choice(OURS if rng.random() < 0.9 else list(TYPES))
        shape = [rng.choice([0, 1, 1, 2, 3]) for _ in range(rng.randrange(9 if odd() else 4))]
        bits = TYPES[dtype]
        for side in shape:
            bits *= side
        begin = at + (rng.choice([-1, 1, 8]) if odd() else 0)
        end = begin + (bits + 7) // 8
        at = max(at, end)
        values = [f'"{dtype}"', json.dumps(shape), f"[{begin},{end}]"]
        fields = [f'"{k}":' + (rng.choice(VALUES) if odd() else v)
                  for k, v in zip(["dtype", "shape", "data_offsets"], values)]
        if rng.random() < 0.1:
            fields.append('"%s":%s' % (rng.choice(["x", "dtypes", "\\u0064type"]), rng.choice(VALUES)))
        if odd():
            fields.remove(rng.choice(fields))
        if odd() and fields:
            fields.append(rng.choice(fields))
        rng.shuffle(fields)
        tensor = "{" + ",".join(fields) + "}"
        if odd():
            tensor = rng.choice([*VALUES, "[" + ",".join(values) + "]"])
        members.append('"%s":%s' % (rng.choice(NAMES) if odd() else f"t{i}", tensor))
    if rng.random() < 0.3:
        rng.shuffle(members)
    if odd() and members:
        members.append(rng.choice(members))
    space = lambda: rng.choice(["", "", "", " ", "\n", "\t", "\r\n"]) if odd() else ""
    text = space() + "{" + ("," + space()).join(members) + "}" + space()
    length = len(text.encode()) + (rng.choice([-1, 1, 2**32, 2**63]) if odd() else 0)
    return file(text, max(0, at + (rng.choice([-1, 1]) if odd() else 0)), max(0, length))


def byte_case(rng, whole):
    """A sound file with some bytes changed, left out, or taken from another."""
    data = bytearray(rng.choice(whole))
    for _ in range(rng.randrange(4)):
        at = rng.randrange(len(data))
        change = rng.randrange(7)
        if change == 0:
            data[at] = rng.randrange(256)
        elif change == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif change == 2:
            del data[at:at + rng.randrange(1, 9)]
        elif change == 3:
            other = rng.choice(whole)
            b = rng.randrange(len(other))
            data[at:at + rng.randrange(9)] = other[b:b + rng.randrange(9)]
        elif change == 4:
            data[at:at] = data[at:at + rng.randrange(1, 40)]
        elif change == 5:
            digits = [i for i, c in enumerate(data) if 48 <= c < 58]
            if digits:
                data[rng.choice(digits)] = 48 + rng.randrange(10)
        else:
            # what stands after the header is only bytes: a change there must come through
            data[-1 - rng.randrange(min(16, len(data)))] = rng.randrange(256)
    return bytes(data)


def limit_cases():
    """Sound files that are larger than we allow."""
    empty = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    yield file("{%s}" % ",".join(f'"t{i}":{empty}' for i in range(65_537)))
    yield file('{"__metadata__":{%s}}' % ",".join(f'"k{i}":""' for i in range(65_537)))
    yield file('{"t":{"x":[%s],"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' % ",".join(["0"] * 100_000))
    yield file('{"%s":%s}' % ("n" * (2**20 + 1), empty))
    yield file('{"__metadata__":{"k":"%s"}}' % ("v" * (2**22 + 1)))
    yield file("{}" + " " * 2**24)
    yield file('{"t":{"x":%s,"dtype":"U8","shape":[0],"data_offsets":[0,0]}}' % ("1" * 1001 + "e-1000"))


def main(count, seed, path):
    rng = random.Random(seed)
    whole = [(weights_verdicts.OUT / "dtypes.safetensors").read_bytes()]
    while len(whole) < 40:
        content = field_case(rng)
        if verdict(content).startswith("accept") and len(content) > 60:
            whole.append(content)
    with open(path, "w") as out:
        for content in limit_cases():
            out.write(f"{verdict(content)} {base64.b64encode(content).decode()}\n")
        for _ in range(count):
            kind = rng.randrange(3)
            content = (field_case(rng) if kind == 0 else byte_case(rng, whole) if kind == 1
                       else weights_verdicts.random_case(rng))
            out.write(f"{verdict(content)} {base64.b64encode(content).decode()}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
