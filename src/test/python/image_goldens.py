"""Small image files of every mode and what Pillow makes of them: src/test/resources/golden/image.

Run from the repository root: python src/test/python/image_goldens.py
index.txt: file, kind (exact: lossless; jpeg, webp: lossy), height, width, SHA-256 of the RGB bytes that
ImageOps.exif_transpose(Image.open(file)).convert("RGB") gives. NAME.rgb: those bytes, deflated, for lossy files. photos.txt: name, height, width, SHA-256 of the decoded
photograph and of its bicubic resize to 224x224, for a folder of photographs that is no part of the repository.
"""
import hashlib
import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

OUT = Path("src/test/resources/golden/image")
warnings.simplefilter("ignore")
PHOTOS = Path("../shared/data/photos")
index = []


def noise(h, w, c, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (h, w, c)).astype(np.uint8)


def picture(h, w, seed=7):
    """Coarse colour patches under a gradient: edges in every block, as a photograph has."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (h // 5 + 1, w // 6 + 1, 3))
    a = np.kron(patches, np.ones((5, 6, 1)))[:h, :w]
    y, x = np.mgrid[0:h, 0:w]
    return np.clip(a * 0.7 + (x + 2 * y)[:, :, None] % 77, 0, 255).astype(np.uint8)


def add(name, data, kind="exact"):
    with Image.open(io.BytesIO(data)) as im:
        a = np.asarray(ImageOps.exif_transpose(im).convert("RGB"))
    assert not (OUT / name).exists(), name
    (OUT / name).write_bytes(data)
    index.append(f"{name} {kind} {a.shape[0]} {a.shape[1]} {hashlib.sha256(a.tobytes()).hexdigest()}")
    if kind != "exact":
        (OUT / (name + ".rgb")).write_bytes(zlib.compress(a.tobytes(), 9))


def save(name, im, fmt, kind="exact", **options):
    b = io.BytesIO()
    im.save(b, fmt, **options)
    add(name, b.getvalue(), kind)
    return b.getvalue()


# ---- PNG

def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def filtered(rows, bpp):
    """Each row by another of the five filters."""
    out = b""
    above = np.zeros(len(rows[0]), int)
    for y, r in enumerate(rows):
        r = r.astype(int)
        left = np.concatenate([np.zeros(bpp, int), r])[: len(r)]
        corner = np.concatenate([np.zeros(bpp, int), above])[: len(r)]
        f = y % 5
        if f == 0:
            p = 0 * r
        elif f == 1:
            p = left
        elif f == 2:
            p = above
        elif f == 3:
            p = (left + above) // 2
        else:
            e = left + above - corner
            da, db, dc = abs(e - left), abs(e - above), abs(e - corner)
            p = np.where((da <= db) & (da <= dc), left, np.where(db <= dc, above, corner))
        out += bytes([f]) + ((r - p) % 256).astype(np.uint8).tobytes()
        above = r
    return out


def png(samples, depth, colour, interlace=False, before=(), after=(), split=None):
    """samples: (h, w, channels) of the file's own values."""
    h, w, c = samples.shape

    def rows(s):
        r = []
        for line in s.reshape(s.shape[0], -1):
            if depth == 16:
                r.append(np.frombuffer(line.astype(">u2").tobytes(), np.uint8))
            elif depth == 8:
                r.append(line.astype(np.uint8))
            else:
                bits = ((line[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
                r.append(np.packbits(bits.reshape(-1)))
        return r

    bpp = max(1, c * depth // 8)
    if interlace:
        raw = b""
        for y0, x0, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
            s = samples[y0::dy, x0::dx]
            if s.size:
                raw += filtered(rows(s), bpp)
    else:
        raw = filtered(rows(samples), bpp)
    data = zlib.compress(raw)
    parts = [data] if split is None else [data[i : i + split] for i in range(0, len(data), split)]
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlace)))
        + b"".join(before)
        + b"".join(chunk(b"IDAT", p) for p in parts)
        + b"".join(after)
        + chunk(b"IEND", b"")
    )


def exif(orientation, order=">", kind=3):
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(order + "I", 8)
    entries = struct.pack(order + "HHHI", 2, 0x100, 3, 1) + struct.pack(order + "HH", 9, 0)
    return head + entries + struct.pack(order + "HHI", 0x112, kind, 1) + value + struct.pack(order + "I", 0)


def looped(orientation):
    """The next directory of the only one is itself."""
    return exif(orientation)[:-4] + struct.pack(">I", 8)


def xmp(orientation, attribute=True):
    body = f'tiff:Orientation="{orientation}"' if attribute else f"<tiff:Orientation>{orientation}</tiff:Orientation>"
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{body}</x:xmpmeta>'.encode()


def pngs():
    rng = np.random.default_rng(3)
    palette = noise(1, 256, 3, 5).tobytes()
    for depth, colour, channels in [(1, 0, 1), (2, 0, 1), (4, 0, 1), (8, 0, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3), (1, 3, 1),
                                    (2, 3, 1), (4, 3, 1), (8, 3, 1), (8, 4, 2), (16, 4, 2), (8, 6, 4), (16, 6, 4)]:
        before = [chunk(b"PLTE", palette[: 3 << depth])] if colour == 3 else []
        for interlace in (False, True):
            for h, w in [(11, 13)] if interlace else [(11, 13), (1, 1)]:
                s = rng.integers(0, 1 << depth, (h, w, channels))
                if depth == 16:
                    s[::2] &= 0x1FF  # values on both sides of 255
                name = f"png-{colour}-{depth}{'-adam7' if interlace else ''}-{h}x{w}.png"
                add(name, png(s, depth, colour, interlace, before))
    for h, w in [(1, 3), (5, 1), (2, 2), (3, 9)]:
        add(f"png-adam7-{h}x{w}.png", png(rng.integers(0, 256, (h, w, 3)), 8, 2, True))
    s = rng.integers(0, 256, (9, 7, 1))
    add("png-short-palette.png", png(s, 8, 3, before=[chunk(b"PLTE", palette[:30])]))
    add("png-palette-trns.png", png(s, 8, 3, before=[chunk(b"PLTE", palette), chunk(b"tRNS", noise(1, 200, 1).tobytes())]))
    add("png-palette-trns1.png", png(s, 8, 3, before=[chunk(b"PLTE", palette), chunk(b"tRNS", b"\xff\0\xff")]))
    add("png-grey-trns.png", png(s, 8, 0, before=[chunk(b"tRNS", b"\0\x05")]))
    rgb = noise(9, 7, 3, 8)
    add("png-rgb-trns.png", png(rgb, 8, 2, before=[chunk(b"tRNS", b"\0\x01\0\x02\0\x03")]))
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    extra = [chunk(b"gAMA", struct.pack(">I", 100000)), chunk(b"iCCP", b"x\0\0" + zlib.compress(linear)),
             chunk(b"cHRM", struct.pack(">8I", *[31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000]))]
    add("png-profile.png", png(rgb, 8, 2, before=extra))
    add("png-grey-gamma.png", png(s, 8, 0, before=[extra[0]]))
    add("png-split.png", png(rgb, 8, 2, split=7))
    add("png-empty-idat.png", png(rgb, 8, 2, before=[chunk(b"IDAT", b"")]))
    for o in range(1, 9):
        add(f"png-exif{o}.png", png(noise(3, 5, 3, o), 8, 2, before=[chunk(b"eXIf", exif(o))]))
    add("png-exif-after.png", png(rgb, 8, 2, after=[chunk(b"eXIf", exif(6, "<"))]))
    add("png-exif-palette.png", png(s, 8, 3, before=[chunk(b"PLTE", palette), chunk(b"eXIf", exif(8))]))
    add("png-exif-9.png", png(rgb, 8, 2, before=[chunk(b"eXIf", exif(9))]))
    add("png-exif-long.png", png(rgb, 8, 2, before=[chunk(b"eXIf", exif(5, "<", 4))]))
    add("png-xmp.png", png(rgb, 8, 2, before=[chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6))]))
    add("png-xmp-zip.png", png(rgb, 8, 2, after=[chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0k\0" + zlib.compress(xmp(7, False)))]))
    raw = b"\nexif\n%8d\n" % 30 + (b"Exif\0\0" + exif(8)).hex().encode()
    wrapped = raw[:60] + b"\n" + raw[60:]
    add("png-raw-profile.png", png(rgb, 8, 2, before=[chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(wrapped))]))
    hidden = [chunk(b"acTL", struct.pack(">II", 1, 0))]
    frame = struct.pack(">IIIIIHHBB", 0, 7, 9, 0, 0, 1, 10, 0, 0)
    data = b"\0\0\0\1" + zlib.compress(filtered([r for r in noise(9, 21, 1, 12)[:, :, 0]], 3))
    add("png-animated-hidden.png", png(rgb, 8, 2, before=hidden, after=[chunk(b"fcTL", frame), chunk(b"fdAT", data)]))
    add("png-rgb-palette.png", png(rgb, 8, 2, before=[chunk(b"PLTE", palette[:48])]))
    add("png-profile-broken.png", png(rgb, 8, 2, before=[chunk(b"iCCP", b"x\0\0" + b"broken")]))
    add("png-exif-loop.png", png(rgb, 8, 2, before=[chunk(b"eXIf", looped(6))]))
    add("png-16-trns.png", png(np.random.default_rng(9).integers(0, 65536, (5, 6, 3)), 16, 2, before=[chunk(b"tRNS", bytes(6))]))
    add("png-1-trns.png", png(np.random.default_rng(9).integers(0, 2, (5, 11, 1)), 1, 0, before=[chunk(b"tRNS", b"\0\1")]))
    im = Image.fromarray(noise(12, 10, 3))
    save("png-animated.png", im, "PNG", save_all=True, append_images=[Image.fromarray(noise(12, 10, 3, 2))])
    save("png-pillow-1.png", Image.fromarray(noise(9, 11, 1)[:, :, 0]).convert("1"), "PNG")
    save("png-pillow-p4.png", im.quantize(11), "PNG", bits=4)
    save("png-pillow-i16.png", Image.fromarray(rng.integers(0, 700, (7, 9)).astype(np.uint16)), "PNG")
    y, x = np.mgrid[0:3000, 0:4000]
    big = np.stack([x // 16 % 256, y // 16 % 256, (x + y) // 32 % 256], 2).astype(np.uint8)
    save("png-3000x4000.png", Image.fromarray(big), "PNG", compress_level=9)


# ---- GIF

def gif_blocks(data):
    """Position of the first image descriptor."""
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    while data[at] != 0x2C:
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    return at


def gifs():
    im = Image.fromarray(picture(37, 45))
    for colours in (2, 3, 16, 200, 256):
        save(f"gif-{colours}.gif", im.quantize(colours), "GIF")
    plain = save("gif-plain.gif", im.quantize(60), "GIF", interlace=False)
    save("gif-transparent.gif", im.quantize(60), "GIF", transparency=5)
    save("gif-grey.gif", im.convert("L"), "GIF")
    save("gif-1.gif", im.convert("1"), "GIF")
    save("gif-noise.gif", Image.fromarray(noise(60, 70, 1)[:, :, 0]), "GIF", interlace=False)
    save("gif-1x1.gif", im.quantize(60).crop((3, 3, 4, 4)), "GIF")
    save("gif-animated.gif", im.quantize(60), "GIF", save_all=True,
         append_images=[Image.fromarray(picture(37, 45, 9)).quantize(50)], transparency=0, disposal=2)
    at = gif_blocks(plain)
    for name, transparent in (("gif-offset.gif", False), ("gif-offset-transparent.gif", True)):
        b = bytearray(plain)
        b[6:10] = struct.pack("<HH", 60, 50)
        b[at + 1 : at + 5] = struct.pack("<HH", 4, 9)
        control = b"\x21\xf9\x04\x01\0\0\x07\0" if transparent else b""
        add(name, bytes(b[:at]) + control + bytes(b[at:]))
    b = bytearray(plain)
    b[6:10] = struct.pack("<HH", 20, 10)
    add("gif-beyond-screen.gif", bytes(b))
    n = 3 << (plain[10] & 7) + 1
    local = bytearray(plain[:13] + plain[13 + n :])
    local[10] &= 0x7F
    at = gif_blocks(bytes(local))
    flags = 0x80 | plain[10] & 7
    add("gif-local-palette.gif", bytes(local[: at + 9]) + bytes([flags]) + plain[13 : 13 + n] + bytes(local[at + 10 :]))
    add("gif-no-palette.gif", bytes(local))
    ramp = b"".join(bytes([i] * 3) for i in range(n // 3))
    add("gif-local-ramp.gif", plain[: gif_blocks(plain) + 9] + bytes([flags]) + ramp + plain[gif_blocks(plain) + 10 :])
    add("gif-no-trailer.gif", plain[:-1])


# ---- BMP

def bmp(w, h, bits, pixels, compression=0, palette=b"", masks=b"", size=40, colours=0, top_down=False):
    body = struct.pack("<iiHHIIiiII", w, -h if top_down else h, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    if size == 12:
        head = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        head = struct.pack("<I", size) + body + (masks + bytes(size))[: size - 40]
        masks = masks if size == 40 else b""
    start = 14 + len(head) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + masks + palette + pixels


def padded(rows):
    return b"".join(r + bytes(-len(r) % 4) for r in rows)


def bmps():
    im = Image.fromarray(picture(11, 13))
    save("bmp-pillow-1.bmp", im.convert("1"), "BMP")
    save("bmp-l.bmp", im.convert("L"), "BMP")
    save("bmp-p.bmp", im.quantize(40), "BMP")
    save("bmp-rgb.bmp", im, "BMP")
    save("bmp-rgba.bmp", Image.fromarray(noise(11, 13, 4)), "BMP")
    rng = np.random.default_rng(4)
    w, h = 13, 11
    quads = b"".join(bytes(q) + b"\0" for q in noise(1, 256, 3, 6)[0])
    triples = noise(1, 256, 3, 6).tobytes()
    for bits in (1, 4, 8):
        rows = [rng.integers(0, 256, (w * bits + 7) // 8).astype(np.uint8).tobytes() for _ in range(h)]
        add(f"bmp-{bits}.bmp", bmp(w, h, bits, padded(rows), palette=quads[: 4 << bits]))
        add(f"bmp-{bits}-os2.bmp", bmp(w, h, bits, padded(rows), palette=triples[: 3 << bits], size=12))
        add(f"bmp-{bits}-top.bmp", bmp(w, h, bits, padded(rows), palette=quads[: 4 << bits], top_down=True))
    rows = [rng.integers(0, 256, w).astype(np.uint8).tobytes() for _ in range(h)]
    add("bmp-short-palette.bmp", bmp(w, h, 8, padded(rows), palette=quads[:80], colours=20))
    words = padded([rng.integers(0, 65536, w).astype("<u2").tobytes() for _ in range(h)])
    add("bmp-16.bmp", bmp(w, h, 16, words))
    add("bmp-565.bmp", bmp(w, h, 16, words, 3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)))
    add("bmp-555.bmp", bmp(w, h, 16, words, 3, masks=struct.pack("<III", 0x7C00, 0x3E0, 0x1F)))
    quad = padded([rng.integers(0, 256, 4 * w).astype(np.uint8).tobytes() for _ in range(h)])
    add("bmp-32.bmp", bmp(w, h, 32, quad))
    for i, m in enumerate([(0xFF0000, 0xFF00, 0xFF, 0), (0xFF000000, 0xFF0000, 0xFF00, 0), (0xFF000000, 0xFF00, 0xFF, 0),
                           (0xFF000000, 0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
                           (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF000000, 0xFF00, 0xFF, 0xFF0000), (0, 0, 0, 0)]):
        for size in (56, 108, 124):
            if size == 108 or i == 5:
                add(f"bmp-32-masks{i}-{size}.bmp", bmp(w, h, 32, quad, 3, masks=struct.pack("<IIII", *m), size=size))
    add("bmp-32-masks-40.bmp", bmp(w, h, 32, quad, 3, masks=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)))
    runs = b""
    for y in range(h):
        if y % 3 == 0:
            runs += bytes([6, y, 9, 255 - y])  # two pixels too many
        elif y % 3 == 1:
            runs += bytes([0, w]) + rng.integers(0, 256, w).astype(np.uint8).tobytes() + b"\0"
        else:
            runs += bytes([4, 77, 0, 2, 3, 0, 6, 99])  # a jump of three
        runs += b"\0\0"
    add("bmp-rle8.bmp", bmp(w, h, 8, runs + b"\0\1", 1, palette=quads))
    runs = b""
    for y in range(h):
        if y % 2 == 0:
            runs += bytes([6, 16 * (y % 16) + 3, 7, 0x5A])
        else:
            runs += bytes([0, w]) + rng.integers(0, 256, 7).astype(np.uint8).tobytes() + b"\0"
        runs += b"\0\0"
    add("bmp-rle4.bmp", bmp(w, h, 4, runs + b"\0\1", 2, palette=quads[:64]))


# ---- WebP

def riff(kind, body):
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) & 1)


def webp(*chunks):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8x(flags, w, h):
    return riff(b"VP8X", bytes([flags, 0, 0, 0]) + struct.pack("<I", w - 1)[:3] + struct.pack("<I", h - 1)[:3])


def webps():
    rgba = np.dstack([picture(37, 45), noise(37, 45, 1)])
    save("webp-lossless.webp", Image.fromarray(picture(37, 45)), "WEBP", lossless=True)
    save("webp-lossless-rgba.webp", Image.fromarray(rgba), "WEBP", lossless=True, exact=True)
    save("webp-lossless-noise.webp", Image.fromarray(noise(21, 17, 3)), "WEBP", lossless=True)
    save("webp-lossless-palette.webp", Image.fromarray(picture(37, 45)).quantize(12).convert("RGB"), "WEBP", lossless=True)
    save("webp-lossless-exif6.webp", Image.fromarray(picture(19, 23)), "WEBP", lossless=True, exif=exif(6))
    save("webp-lossless-xmp5.webp", Image.fromarray(picture(19, 23)), "WEBP", lossless=True, xmp=xmp(5))
    save("webp-lossless-animated.webp", Image.fromarray(picture(36, 44)), "WEBP", lossless=True, save_all=True,
         append_images=[Image.fromarray(picture(36, 44, 2))])
    b = io.BytesIO()
    Image.fromarray(picture(5, 9)).save(b, "WEBP", lossless=True)
    image = b.getvalue()[12:]
    add("webp-simple-exif.webp", webp(image, riff(b"EXIF", exif(6))))
    add("webp-simple-header-last.webp", webp(image, riff(b"VP8X", bytes(10))))
    add("webp-unflagged-exif.webp", webp(vp8x(0, 9, 5), image, riff(b"EXIF", exif(6))))
    add("webp-unflagged-xmp.webp", webp(vp8x(8, 9, 5), image, riff(b"XMP ", xmp(6))))
    add("webp-flagged-exif.webp", webp(vp8x(8, 9, 5), riff(b"EXIF", exif(6)), image))
    add("webp-trailing.webp", webp(image) + b"anything")
    save("webp-1x1.webp", Image.fromarray(picture(1, 1)), "WEBP", lossless=True)
    for q in (30, 90):
        save(f"webp-q{q}.webp", Image.fromarray(picture(37, 45)), "WEBP", "webp", quality=q)
    save("webp-alpha.webp", Image.fromarray(rgba), "WEBP", "webp", quality=80)
    save("webp-profile.webp", Image.fromarray(picture(37, 45)), "WEBP", "webp", quality=80,
         icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes())


# ---- JPEG

def segments(data):
    """(marker, from, to) of the segments up to the first scan."""
    at, out = 2, []
    while data[at + 1] != 0xDA:
        n = struct.unpack(">H", data[at + 2 : at + 4])[0]
        out.append((data[at + 1], at, at + 2 + n))
        at += 2 + n
    return out


def without(data, marker):
    for m, a, b in reversed(segments(data)):
        if m == marker:
            data = data[:a] + data[b:]
    return data


def app1(body):
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def jpegs():
    im = Image.fromarray(picture(37, 45))
    for s, n in ((0, "444"), (1, "422"), (2, "420")):
        save(f"jpeg-{n}.jpg", im, "JPEG", "jpeg", quality=90, subsampling=s)
    save("jpeg-411.jpg", im, "JPEG", "jpeg", quality=90, subsampling="4:1:1")
    for q in (5, 50, 100):
        save(f"jpeg-q{q}.jpg", im, "JPEG", "jpeg", quality=q)
    save("jpeg-progressive.jpg", im, "JPEG", "jpeg", quality=85, progressive=True)
    save("jpeg-progressive-444.jpg", im, "JPEG", "jpeg", quality=85, progressive=True, subsampling=0)
    save("jpeg-optimised.jpg", im, "JPEG", "jpeg", optimize=True)
    save("jpeg-restarts.jpg", im, "JPEG", "jpeg", restart_marker_blocks=2)
    save("jpeg-rgb.jpg", im, "JPEG", "jpeg", keep_rgb=True)
    grey = save("jpeg-grey.jpg", im.convert("L"), "JPEG", "jpeg")
    save("jpeg-grey-progressive.jpg", im.convert("L"), "JPEG", "jpeg", progressive=True)
    add("jpeg-grey-no-jfif.jpg", without(grey, 0xE0), "jpeg")
    cmyk = Image.fromarray(noise(37, 45, 4, 11) // 8 + np.dstack([picture(37, 45), picture(37, 45, 3)[:, :, :1]]) // 2, "CMYK")
    data = save("jpeg-cmyk.jpg", cmyk, "JPEG", "jpeg", quality=92)
    save("jpeg-cmyk-progressive.jpg", cmyk, "JPEG", "jpeg", quality=92, progressive=True)
    add("jpeg-cmyk-no-adobe.jpg", without(data, 0xEE), "jpeg")
    m, a, b = next(s for s in segments(data) if s[0] == 0xEE)
    ycck = bytearray(data)
    ycck[b - 1] = 2
    add("jpeg-ycck.jpg", bytes(ycck), "jpeg")
    plain = save("jpeg-plain.jpg", im, "JPEG", "jpeg", quality=90, subsampling=0)
    add("jpeg-no-jfif.jpg", without(plain, 0xE0), "jpeg")
    ids = bytearray(without(plain, 0xE0))
    m, a, b = next(s for s in segments(bytes(ids)) if s[0] == 0xC0)
    ids[a + 10], ids[a + 13], ids[a + 16] = b"RGB"
    scan = ids.index(b"\xff\xda")
    ids[scan + 5], ids[scan + 7], ids[scan + 9] = b"RGB"
    add("jpeg-letters.jpg", bytes(ids), "jpeg")
    ids[a + 10], ids[a + 13], ids[a + 16] = 7, 8, 9
    ids[scan + 5], ids[scan + 7], ids[scan + 9] = 7, 8, 9
    add("jpeg-odd-ids.jpg", bytes(ids), "jpeg")
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
    add("jpeg-adobe-rgb.jpg", b"\xff\xd8" + adobe + b"\0" + without(plain, 0xE0)[2:], "jpeg")
    add("jpeg-adobe-ycc.jpg", b"\xff\xd8" + adobe + b"\1" + without(plain, 0xE0)[2:], "jpeg")
    save("jpeg-profile.jpg", im, "JPEG", "jpeg", quality=90, subsampling=0,
         icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes())
    # 4:4:0 from 4:2:2: the sampling factors exchanged, in an image that has as many units either way
    b422 = io.BytesIO()
    Image.fromarray(picture(32, 32)).save(b422, "JPEG", quality=90, subsampling=1)
    turned = bytearray(b422.getvalue())
    m, a, b = next(s for s in segments(bytes(turned)) if s[0] == 0xC0)
    assert turned[a + 11] == 0x21
    turned[a + 11] = 0x12
    add("jpeg-440.jpg", bytes(turned), "jpeg")
    small = Image.fromarray(picture(9, 14))
    for o in range(1, 9):
        save(f"jpeg-exif{o}.jpg", small, "JPEG", "jpeg", quality=95, exif=b"Exif\0\0" + exif(o, "<" if o % 2 else ">"))
    b = io.BytesIO()
    small.save(b, "JPEG", quality=95)
    base = b.getvalue()
    add("jpeg-xmp6.jpg", base[:2] + app1(b"http://ns.adobe.com/xap/1.0/\0" + xmp(6)) + base[2:], "jpeg")
    block = exif(7)
    add("jpeg-exif-split.jpg",
        base[:2] + app1(b"Exif\0\0" + block[:20]) + app1(b"Exif\0\0" + block[20:]) + base[2:], "jpeg")
    add("jpeg-exif-and-xmp.jpg", base[:2] + app1(b"http://ns.adobe.com/xap/1.0/\0" + xmp(6))
        + app1(b"Exif\0\0" + exif(3)) + base[2:], "jpeg")
    add("jpeg-exif-loop.jpg", base[:2] + app1(b"Exif\0\0" + looped(6)) + base[2:], "jpeg")
    add("jpeg-profile-broken.jpg", base[:2] + b"\xff\xe2" + struct.pack(">H", 30) + b"ICC_PROFILE\0\1\1" + bytes(14)
        + base[2:], "jpeg")
    add("jpeg-fill-bytes.jpg", base[:2] + b"\xff" * 9 + base[2:], "jpeg")
    thumbnail = exif(1)[:-4] + struct.pack(">I", len(exif(1))) + struct.pack(">HHHII", 2, 0x201, 4, 1, len(exif(1)) + 30) \
        + struct.pack(">HHIII", 0x202, 4, 1, len(base), 0)
    add("jpeg-thumbnail.jpg", base[:2] + app1(b"Exif\0\0" + thumbnail + base) + base[2:], "jpeg")
    end = len(base) - 2
    add("jpeg-height-twice.jpg", base[:end] + b"\xff\xdc\0\4" + struct.pack(">H", small.height) + base[end:], "jpeg")
    b = io.BytesIO()
    small.save(b, "MPO", save_all=True, append_images=[Image.fromarray(picture(9, 14, 2))])
    add("jpeg-two-pictures.jpg", b.getvalue(), "jpeg")
    add("jpeg-trailing.jpg", base + b"anything" + base, "jpeg")
    for h, w in [(1, 1), (1, 40), (40, 1), (8, 8), (17, 16), (7, 33)]:
        save(f"jpeg-{h}x{w}.jpg", Image.fromarray(picture(h, w)), "JPEG", "jpeg", quality=90)
    y, x = np.mgrid[0:1500, 0:2000]
    big = np.stack([x // 8 % 256, y // 8 % 256, (x + y) // 16 % 256], 2).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(big).save(data, "JPEG", quality=20, optimize=True)
    add("jpeg-1500x2000.jpg", data.getvalue(), "jpeg")


def photos():
    """The photographs that may lie beside the checkout: hashes only, of the decoded and of the resized pixels."""
    lines = []
    for path in sorted(PHOTOS.glob("*")):
        with Image.open(path) as im:
            rgb = ImageOps.exif_transpose(im).convert("RGB")
        small = rgb.resize((224, 224), Image.BICUBIC)
        hashes = [hashlib.sha256(np.asarray(x).tobytes()).hexdigest() for x in (rgb, small)]
        lines.append(f"{path.name} {rgb.height} {rgb.width} {' '.join(hashes)}")
    return lines


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for make in (pngs, gifs, bmps, webps, jpegs):
        make()
    (OUT / "index.txt").write_text("\n".join(index) + "\n")
    (OUT / "photos.txt").write_text("\n".join(photos()) + "\n")
    (OUT / "README.txt").write_text(
        f"Made by src/test/python/image_goldens.py with Pillow {PIL.__version__}, numpy {np.__version__}, "
        f"libjpeg-turbo {PIL.features.version('libjpeg_turbo')}, libwebp {PIL.features.version('webp')}.\n" + __doc__)


from PIL import features  # noqa: E402,F401

main()
