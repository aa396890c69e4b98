"""Golden values of the counter-based draws, from a second implementation that shares nothing with the Java one.

Written from the text of Draws and Planner; standard library only.
    python src/test/python/draws_golden.py > src/test/resources/golden/draws/draws.txt
"""
import itertools
import math

MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def halves(value):
    value &= (1 << 64) - 1
    return value & MASK, value >> 32


class Stream:
    def __init__(self, key, purpose, sample):
        seed, epoch, step = key
        k = philox([*halves(epoch), *halves(step)], halves(seed))[:2]
        blocks = (philox([b, purpose, *halves(sample)], k) for b in itertools.count())
        self.words = itertools.chain.from_iterable(blocks)

    def word(self):
        return next(self.words)

    def uniform(self):
        a = self.word() >> 5
        return (a * 2**26 + (self.word() >> 6)) / 2**53

    def below(self, n):
        while True:
            m = self.word() * n
            if m & MASK >= 2**32 % n:
                return m >> 32

    def normal(self):
        while True:
            x = 2 * self.uniform() - 1
            y = 2 * self.uniform() - 1
            s = x * x + y * y
            if 0 < s < 1:
                return x * math.sqrt(-2 * math.log(s) / s)

    def gamma(self, shape):
        d = shape - 1 / 3
        c = 1 / math.sqrt(9 * d)
        while True:
            x = self.normal()
            v = (1 + c * x) ** 3
            if v <= 0:
                continue
            u = self.uniform()
            if u < 1 - 0.0331 * x**4 or math.log(u) < 0.5 * x * x + d * (1 - v + math.log(v)):
                return d * v

    def beta(self, alpha):
        def gamma():
            if alpha >= 1:
                return self.gamma(alpha)
            g = self.gamma(alpha + 1)
            return g * (1 - self.uniform()) ** (1 / alpha)
        a = gamma()
        b = gamma()
        return a / (a + b)


PAIRING, PROBABILITY, BATCH_LAMBDA, IMAGE_LAMBDA, CELLS, BOX = range(6)
KEYS = [(0, 0, 0), (1, 2, 3), (-1, 0, 2**40), (0x123456789ABCDEF, 2**33 + 5, -7)]


def shuffle(stream, n, fixed_points):
    while True:
        out = list(range(n))
        ok = True
        for i in range(n - 1, -1, -1):
            j = stream.below(i + 1) if i else 0
            out[i], out[j] = out[j], out[i]
            if not fixed_points and out[i] == i:
                ok = False
                break
        if ok:
            return out


def join(values):
    return " ".join(str(v) for v in values)


for key in KEYS:
    for purpose, sample in [(PAIRING, 0), (BOX, 2**32 + 9), (CELLS, 77)]:
        s = Stream(key, purpose, sample)
        print("words", *key, purpose, sample, join(f"{s.word():08x}" for _ in range(9)))
    s = Stream(key, PROBABILITY, 5)
    print("uniform", *key, PROBABILITY, 5, join(s.uniform().hex() for _ in range(4)))
    s = Stream(key, CELLS, 6)
    print("below", *key, CELLS, 6, join(s.below(n) for n in (1, 2, 3, 7, 49, 1000003, 2**31 - 1)))
    for alpha in (0.2, 1.0, 2.0, 7.5):
        print("beta", *key, alpha, join(repr(Stream(key, IMAGE_LAMBDA, i).beta(alpha)) for i in range(4)))
    for n in (2, 3, 8, 9):
        print("shuffled", *key, 40, join(shuffle(Stream(key, PAIRING, 40), n, False)))
        print("permuted", *key, 40, join(shuffle(Stream(key, PAIRING, 40), n, True)))
    for grid, k in ((7, 6), (7, 49), (1, 1), (9, 40)):
        s = Stream(key, CELLS, 13)
        chosen = set()
        for last in range(grid * grid - k, grid * grid):
            c = s.below(last + 1)
            chosen.add(last if c in chosen else c)
        print("cells", *key, 13, grid, k, join(sorted(chosen)))
    for h, w in ((224, 224), (33, 500), (7, 7)):
        s = Stream(key, BOX, 21)
        side = math.sqrt(6 / 49)
        a, b = int(side * w) // 2, int(side * h) // 2
        x, y = s.below(w), s.below(h)
        print("box", *key, 21, h, w, max(0, x - a), max(0, y - b), min(w, x + a), min(h, y + b))
