// acm_max_pool against plain loops over every window.
#include "check.h"
#include "reference.h"
#include "shapes.h"

namespace {
void run(int n, int h, int w, int c, int type, int shift, bool special) {
  const int size = reference::bytes_of(type), oh = (h + 1) / 2, ow = (w + 1) / 2;
  check::Buffer<unsigned char> x(int64_t(n) * h * w * c * size, shift), y(int64_t(n) * oh * ow * c * size, shift);
  for (int64_t i = 0; i < int64_t(n) * h * w * c; i++) {
    float v = check::uniform(-2, 2);
    if (special && check::below(8) == 0) {
      const float values[] = {NAN, INFINITY, -INFINITY, -0.f, 0.f};
      v = values[check::below(5)];
    }
    reference::put(x.data(), i, size, reference::from_float(v, type));
  }
  const std::string name = "max_pool " + std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w) + "x" +
                           std::to_string(c) + " type " + std::to_string(type);
  check::orders([&](const std::string &order) {
    memset(y.data(), 0xA5, size_t(y.size()));
    check::status(name, acm_max_pool(x.data(), y.data(), type, n, h, w, c, nullptr));
    for (int64_t i = 0; i < int64_t(n) * oh * ow * c; i++) {
      const int channel = int(i % c), ox = int(i / c % ow), oy = int(i / c / ow % oh);
      const int64_t image = i / c / ow / oh;
      float most = -INFINITY;
      for (int iy = 2 * oy - 1; iy <= 2 * oy + 1; iy++) {
        for (int ix = 2 * ox - 1; ix <= 2 * ox + 1; ix++) {
          if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
          const float v =
              reference::to_float(reference::get(x.data(), ((image * h + iy) * w + ix) * c + channel, size), type);
          if (std::isnan(v) || std::isnan(most))
            most = NAN;
          else
            most = std::max(most, v);
        }
      }
      const float got = reference::to_float(reference::get(y.data(), i, size), type);
      if (!(got == most || (std::isnan(got) && std::isnan(most)))) {
        check::fail(name + order + ": at " + std::to_string(i) + " got " + std::to_string(got) + ", wanted " +
                    std::to_string(most));
        return;
      }
    }
  });
}
void small() {
  int turn = 0;
  for (int n : {1, 2, 3}) {
    for (int side : {1, 2, 7, 31, 33}) {
      for (int c : {1, 7, 64}) {
        turn++;
        if (check::quick && side > 10 && turn % 3) continue;
        run(n, side, turn % 2 ? side : side + 3, c, 1 + turn % 3, turn % 5 == 0 ? 4 : 0, turn % 2 == 0);
      }
    }
  }
}
void awkward() {
  int turn = 0;
  for (const Shape &c : awkward_shapes(53000, 2000)) {
    turn++;
    run(c.n, c.h, c.w,
        c.n * c.h * c.w > 20000 ? 3
        : turn % 3              ? 8
                                : 7,
        1 + turn % 3, turn % 5 == 0 ? 4 : 0, turn % 2 == 0);
  }
  for (int64_t c : kAwkwardChannels) run(1, 7, 5, int(c), ACM_FLOAT16, 0, true);
}
void arguments() {
  check::Buffer<unsigned char> x(2 * 4 * 4 * 8 * 4), y(2 * 2 * 2 * 8 * 4);
  auto call = [&](const void *in, void *out, int type, int64_t n, int64_t h, int64_t w, int64_t c) {
    return acm_max_pool(in, out, type, n, h, w, c, nullptr);
  };
  check::status("null x", call(nullptr, y.data(), 3, 2, 4, 4, 8), ACM_NULL_POINTER);
  check::status("null y", call(x.data(), nullptr, 3, 2, 4, 4, 8), ACM_NULL_POINTER);
  check::status("uint8", call(x.data(), y.data(), ACM_UINT8, 2, 4, 4, 8), ACM_BAD_VALUE);
  check::status("n", call(x.data(), y.data(), 3, -1, 4, 4, 8), ACM_BAD_SIZE);
  check::status("h", call(x.data(), y.data(), 3, 2, 0, 4, 8), ACM_BAD_SIZE);
  check::status("c", call(x.data(), y.data(), 3, 2, 4, 4, 0), ACM_BAD_SIZE);
  check::status("overflow", call(x.data(), y.data(), 3, int64_t(1) << 40, 1 << 20, 1 << 20, 8), ACM_TOO_LARGE);
  check::status("overlap", call(x.data(), x.data() + 64, 3, 2, 4, 4, 8), ACM_OVERLAP);
  check::status("misaligned", call(x.data() + 1, y.data(), 3, 1, 4, 4, 8), ACM_MISALIGNED);
  check::status("w", call(x.data(), y.data(), 3, 2, 4, -4, 8), ACM_BAD_SIZE);
  check::status("y misaligned", call(x.data(), y.data() + 2, 3, 1, 4, 4, 8), ACM_MISALIGNED);
  check::status("h too large", call(x.data(), y.data(), 3, 1, int64_t(1) << 40, 1, 1), ACM_TOO_LARGE);
  check::status("nothing", call(nullptr, nullptr, 3, 0, 4, 4, 8));
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"max_pool.shapes", small}, {"max_pool.awkward", awkward}, {"max_pool.arguments", arguments}}, argc,
                   argv);
}
