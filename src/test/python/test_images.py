"""Pictures for golden files, in integer arithmetic: TestImages.structured in Java draws the same.

Image n of h x w: gradients per channel, three discs, a chequered quarter, noise of 0..15.
"""

import numpy as np


def hash32(a, b, c):
    """32 bits from three numbers below 2**31 (numpy arrays or ints)."""
    mask = np.uint64(0xFFFFFFFF)
    a, b, c = (np.asarray(v, dtype=np.uint64) for v in (a, b, c))
    h = (a * np.uint64(73856093) ^ b * np.uint64(19349663) ^ c * np.uint64(83492791)) & mask
    h = ((h ^ h >> np.uint64(15)) * np.uint64(2246822519)) & mask
    h = ((h ^ h >> np.uint64(13)) * np.uint64(3266489917)) & mask
    return (h ^ h >> np.uint64(16)).astype(np.int64)


def structured(n, h, w):
    """(h, w, 3) uint8."""
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    v = (x * (40 + 30 * c) // w + y * (90 - 30 * c) // h + 16 * n) % 128
    for d in range(3):
        cy = hash32(n, d, 1) % h
        cx = hash32(n, d, 2) % w
        r = 1 + min(h, w) // 10 + hash32(n, d, 3) % (1 + min(h, w) // 5)
        inside = (y - cy) ** 2 + (x - cx) ** 2 <= r * r
        v = np.where(inside, hash32(n, d, 4 + c) % 256, v)
    quarter = hash32(n, 9, 9) % 4
    chequered = ((y * 2 // h) * 2 + x * 2 // w == quarter) & ((y * 14 // h + x * 14 // w) % 2 == 0)
    v = np.where(chequered, 255 - v, v)
    return np.minimum(255, v + hash32(n, y, x * 3 + c) % 16).astype(np.uint8)
