// acm_stem against convolution, rounding and pooling one after the other: bit for bit with sums rounded as the emulated
// tensor core does (16 products at a time), and within rounding of a double convolution.
#include <random>

#include "batches.h"
#include "shapes.h"

namespace {
const float kNormalisation[6] = {0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f};

struct Weights {
  std::vector<float> w;  // (64, 3, 7, 7)
  check::Buffer<uint16_t> packed;
  check::Buffer<float> bias;
  int type;
  explicit Weights(int type) : w(64 * 147), packed(14336), bias(64), type(type) {
    for (float &v : w) v = check::uniform(-0.3f, 0.3f);
    for (int i = 0; i < 64; i++) bias[i] = check::uniform(-1, 1);
    check::status("stem_pack", acm_stem_pack(w.data(), type, packed.data()));
  }
};

// The rounded input as floats, [y][x][4].
std::vector<float> rounded_input(const Batch &in, int image, int type, const float *normalisation) {
  reference::Image source = in.image(image);
  if (in.type == ACM_UINT8) source = reference::convert(source, type, normalisation);
  std::vector<float> v(size_t(source.h) * source.w * 3);
  for (int y = 0; y < source.h; y++) {
    for (int x = 0; x < source.w; x++) {
      for (int c = 0; c < 3; c++) v[(size_t(y) * source.w + x) * 3 + c] = reference::to_float(source.at(c, y, x), type);
    }
  }
  return v;
}

// Aligned 16-byte vectors that a kernel needs which takes every byte of a tile's input once: tiles of 7x8 outputs need
// 35 rows of 40 pixels. Vectors that reach out of an image do not count.
long vectors_needed(const Batch &in) {
  long vectors = 0;
  for (size_t image = 0; image < in.h.size(); image++) {
    const int h = in.h[image], w = in.w[image], oh = (h + 3) / 4, ow = (w + 3) / 4;
    const int64_t start = int64_t(reinterpret_cast<uintptr_t>(in.pixels->data())) + in.offset[image];
    const int64_t end = start + in.bytes(int(image));
    for (int ty = 0; ty < oh; ty += 7) {
      for (int tx = 0; tx < ow; tx += 8) {
        for (int y = std::max(0, 4 * ty - 5); y < std::min(h, 4 * ty + 30); y++) {
          const int64_t row = start + int64_t(y) * w * 3;
          const int64_t from = row + std::max(0, 4 * tx - 6) * 3, to = row + std::min(w, 4 * tx + 34) * 3;
          for (int64_t v = from / 16; v * 16 < to; v++) vectors += v * 16 >= start && v * 16 + 16 <= end;
        }
      }
    }
  }
  return vectors;
}

void run(const std::string &name, const Batch &in, const Weights &weights, const float *normalisation,
         bool nan = false) {
  const int n = int(in.h.size()), h = in.h[0], w = in.w[0], type = weights.type;
  const int ch = (h + 1) / 2, cw = (w + 1) / 2, oh = (ch + 1) / 2, ow = (cw + 1) / 2;
  check::Buffer<uint16_t> out(int64_t(n) * oh * ow * 64);
  std::vector<uint16_t> wanted(size_t(out.size()));
  double worst = 0;
  for (int image = 0; image < n; image++) {
    const std::vector<float> x = rounded_input(in, image, type, normalisation);
    std::vector<uint16_t> map(size_t(ch) * cw * 64);
    std::vector<float> tap(64 * 147);
    for (size_t i = 0; i < tap.size(); i++)
      tap[i] = reference::to_float(reference::from_float(weights.w[i], type), type);
    for (int cy = 0; cy < ch; cy++) {
      for (int cx = 0; cx < cw; cx++) {
        for (int k = 0; k < 64; k++) {
          float sum = 0;
          double exact = 0;
          for (int r = 0; r < 7; r++) {
            for (int part = 0; part < 2; part++) {
              double step = sum;
              for (int s = part * 4 - 1; s < part * 4 + 3; s++) {
                const int y = 2 * cy + r - 3, xx = 2 * cx + s - 3;
                if (y < 0 || y >= h || xx < 0 || xx >= w) continue;
                for (int c = 0; c < 3; c++) {
                  if (s < 0) {  // the window's first tap has weight 0: only a value that is not finite shows
                    step += double(x[(size_t(y) * w + xx) * 3 + c]) * 0;
                    continue;
                  }
                  const double term =
                      double(x[(size_t(y) * w + xx) * 3 + c]) * tap[((size_t(k) * 3 + c) * 7 + r) * 7 + s];
                  step += term;
                  exact += term;
                }
              }
              sum = float(step);
            }
          }
          worst = std::max(worst, std::abs(double(sum) - exact));
          const float v = sum + weights.bias[k];
          map[(size_t(cy) * cw + cx) * 64 + k] =
              std::isnan(v) ? 0x7fff : uint16_t(reference::from_float(v > 0 ? v : 0, type));
        }
      }
    }
    for (int oy = 0; oy < oh; oy++) {
      for (int ox = 0; ox < ow; ox++) {
        for (int k = 0; k < 64; k++) {
          uint16_t most = 0;
          for (int cy = std::max(0, 2 * oy - 1); cy <= std::min(ch - 1, 2 * oy + 1); cy++) {
            for (int cx = std::max(0, 2 * ox - 1); cx <= std::min(cw - 1, 2 * ox + 1); cx++) {
              const uint16_t v = map[(size_t(cy) * cw + cx) * 64 + k];
              if (most == 0x7fff || v == 0x7fff)
                most = 0x7fff;
              else if (reference::to_float(v, type) > reference::to_float(most, type))
                most = v;
            }
          }
          wanted[((size_t(image) * oh + oy) * ow + ox) * 64 + k] = most;
        }
      }
    }
  }
  // 14 roundings of sums below 64.
  if (!nan) check::truth(name + ": rounded sums stay near exact ones", worst <= 14 * 64 * 0x1p-24);
  check::orders(
      [&](const std::string &order) {
        memset(out.data(), 0xA5, size_t(out.size()) * 2);
        emu::counters = {};
        check::status(name, acm_stem(&in.images, normalisation, weights.packed.data(), weights.bias.data(), type,
                                     out.data(), nullptr));
        check::same(name + order, out.data(), wanted.data(), out.size());
        check::truth(name + ": tensor cores were used", emu::counters.mma > 0 && emu::counters.ldmatrix > 0);
        if (in.type == ACM_UINT8) {
          const long vectors = vectors_needed(in);
          check::truth(name + ": " + std::to_string(vectors) + " vectors of bytes are needed and " +
                           std::to_string(emu::counters.asyncCopies) + " were loaded",
                       emu::counters.asyncCopies == vectors);
        }
        check::truth(name + ": no bank conflicts, " + std::to_string(emu::counters.shared16Conflicts) + " in " +
                         std::to_string(emu::counters.shared16) + " and " +
                         std::to_string(emu::counters.ldmatrixConflicts) + " in " +
                         std::to_string(emu::counters.ldmatrix),
                     emu::counters.ldmatrixConflicts == 0 && emu::counters.shared16Conflicts == 0);
      },
      h * w > 40000);
}
// The reference reads three channels; the kernel must ignore the fourth.
void packed_case(int n, int h, int w, int type) {
  Weights weights(type);
  Batch in = one_size(n, h, w, type, ACM_NHWC, 4);
  in.fill();
  Batch as = one_size(n, h, w, type, ACM_NHWC, 3);
  for (int64_t p = 0; p < int64_t(n) * h * w; p++) memcpy(as.pixels->data() + p * 6, in.pixels->data() + p * 8, 6);
  as.images = in.images;
  run("stem packed " + std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w) + " type " +
          std::to_string(type),
      as, weights, nullptr);
}
void bytes() {
  const int cases[][3] = {{1, 32, 32}, {2, 7, 7}, {1, 31, 33}, {3, 64, 32}, {1, 1, 1}, {1, 61, 20}, {2, 3, 5}};
  const int shifts[] = {1, 13, 0, 2, 15, 8, 11};  // of the first byte; the sanitizer sees what is 8 bytes before it
  int turn = 0;
  for (const auto &c : cases) {
    turn++;
    if (check::quick && c[0] * c[1] * c[2] > 1100) continue;
    Weights weights(2 - turn % 2);
    Batch in = one_size(c[0], c[1], c[2], ACM_UINT8, ACM_NHWC, 3, shifts[turn - 1]);
    in.fill();
    run("stem uint8 " + std::to_string(c[1]) + "x" + std::to_string(c[2]), in, weights,
        turn % 2 ? kNormalisation : nullptr);
  }
}
void awkward() {  // the network's own size in all four forms, the others in one type by turns
  int turn = 0;
  for (const Shape &c : awkward_shapes(52900, 2000)) {
    turn++;
    for (int type = ACM_FLOAT16; type <= ACM_BFLOAT16; type++) {
      const bool whole = c.h == 224 && c.w == 224;
      if (!whole && type != ACM_FLOAT16 + turn % 2) continue;
      if (c.n * c.h * c.w > 30000 && c.n == 33) continue;
      Weights weights(type);
      Batch in = one_size(c.n, c.h, c.w, ACM_UINT8, ACM_NHWC, 3, whole ? 0 : turn * 5 % 16);
      in.fill();
      run("stem uint8 " + c.name() + " type " + std::to_string(type), in, weights, kNormalisation);
      if (c.w % 2 == 0) packed_case(c.n, c.h, c.w, type);
    }
  }
}
void packed() {
  const int cases[][3] = {{1, 32, 32}, {2, 7, 10}, {1, 33, 34}};
  for (const auto &c : cases) {
    for (int type = ACM_FLOAT16; type <= ACM_BFLOAT16; type++) {
      if (check::quick && type == ACM_BFLOAT16) continue;
      packed_case(c[0], c[1], c[2], type);
    }
  }
}
void nan_stays() {
  Weights weights(ACM_FLOAT16);
  Batch in = one_size(1, 16, 16, ACM_FLOAT16, ACM_NHWC, 4), as = one_size(1, 16, 16, ACM_FLOAT16, ACM_NHWC, 3);
  in.fill();
  reference::put(in.pixels->data(), (5 * 16 + 6) * 4 + 1, 2, 0x7e00);
  for (int p = 0; p < 256; p++) memcpy(as.pixels->data() + p * 6, in.pixels->data() + p * 8, 6);
  as.images = in.images;
  run("stem NaN", as, weights, nullptr, true);
}
void arguments() {
  Weights weights(ACM_FLOAT16);
  Batch in = one_size(1, 8, 8, ACM_UINT8, ACM_NHWC), packed = one_size(1, 8, 8, ACM_FLOAT16, ACM_NHWC, 4);
  in.fill();
  check::Buffer<uint16_t> out(2 * 2 * 64);
  auto call = [&](acm_images b, const uint16_t *w, const float *bias, int type, void *o) {
    return acm_stem(&b, kNormalisation, w, bias, type, o, nullptr);
  };
  auto with = [](acm_images b, auto change) {
    change(b);
    return b;
  };
  const uint16_t *w = weights.packed.data();
  const float *b = weights.bias.data();
  check::status("null in", acm_stem(nullptr, nullptr, w, b, 1, out.data(), nullptr), ACM_NULL_POINTER);
  check::status("null weights", call(in.images, nullptr, b, 1, out.data()), ACM_NULL_POINTER);
  check::status("null bias", call(in.images, w, nullptr, 1, out.data()), ACM_NULL_POINTER);
  check::status("null out", call(in.images, w, b, 1, nullptr), ACM_NULL_POINTER);
  check::status("float", call(in.images, w, b, 3, out.data()), ACM_BAD_VALUE);
  check::status("NCHW", call(with(in.images, [](acm_images &i) { i.layout = ACM_NCHW; }), w, b, 1, out.data()),
                ACM_UNSUPPORTED);
  check::status("other type", call(packed.images, w, b, 2, out.data()), ACM_UNSUPPORTED);
  check::status("odd width", call(with(packed.images, [](acm_images &i) { i.width = 7; }), w, b, 1, out.data()),
                ACM_BAD_SIZE);
  check::status("misaligned out", call(in.images, w, b, 1, out.data() + 1), ACM_MISALIGNED);
  check::status("misaligned weights", call(in.images, w + 1, b, 1, out.data()), ACM_MISALIGNED);
  check::status("overlap", call(in.images, w, b, 1, in.pixels->data()), ACM_OVERLAP);
  check::status("too large",
                call(with(in.images,
                          [](acm_images &i) {
                            i.height = 1 << 20;
                            i.width = 1 << 9;
                          }),
                     w, b, 1, out.data()),
                ACM_TOO_LARGE);
  check::status("too many",
                call(with(in.images, [](acm_images &i) { i.count = int64_t(1) << 33; }), w, b, 1, out.data()),
                ACM_TOO_LARGE);
  check::status(
      "ragged",
      call(with(in.images, [](acm_images &i) { i.offsets = reinterpret_cast<int64_t *>(64); }), w, b, 1, out.data()),
      ACM_UNSUPPORTED);
  check::status("pixels", call(with(in.images, [](acm_images &i) { i.pixels = nullptr; }), w, b, 1, out.data()),
                ACM_NULL_POINTER);
  check::status("height", call(with(in.images, [](acm_images &i) { i.height = -1; }), w, b, 1, out.data()),
                ACM_BAD_SIZE);
  check::status("channels", call(with(in.images, [](acm_images &i) { i.channels = 4; }), w, b, 1, out.data()),
                ACM_UNSUPPORTED);
  check::status(
      "misaligned bias",
      call(in.images, w, reinterpret_cast<const float *>(reinterpret_cast<const char *>(b) + 2), 1, out.data()),
      ACM_MISALIGNED);
  check::status("misaligned packed",
                call(with(packed.images, [](acm_images &i) { i.pixels = static_cast<char *>(i.pixels) + 8; }), w, b, 1,
                     out.data()),
                ACM_MISALIGNED);
  check::status("over the weights", call(in.images, w, b, 1, weights.packed.data()), ACM_OVERLAP);
  check::status("over the bias", call(in.images, w, b, 1, weights.bias.data()), ACM_OVERLAP);
  const float bad[6] = {0, 0, 0, 0, 1, 1};
  check::status("std", acm_stem(&in.images, bad, w, b, 1, out.data(), nullptr), ACM_BAD_VALUE);
  check::status("pack null result", acm_stem_pack(weights.w.data(), 1, nullptr), ACM_NULL_POINTER);
  check::status("pack overlap", acm_stem_pack(weights.w.data(), 1, reinterpret_cast<uint16_t *>(weights.w.data())),
                ACM_OVERLAP);
  check::status("pack null", acm_stem_pack(nullptr, 1, weights.packed.data()), ACM_NULL_POINTER);
  check::status("pack type", acm_stem_pack(weights.w.data(), 3, weights.packed.data()), ACM_BAD_VALUE);
  check::status("nothing", call(with(in.images, [](acm_images &i) { i.count = 0; }), nullptr, nullptr, 1, nullptr));
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"stem.bytes", bytes},
                    {"stem.packed", packed},
                    {"stem.awkward", awkward},
                    {"stem.nan_stays", nan_stays},
                    {"stem.arguments", arguments}},
                   argc, argv);
}
