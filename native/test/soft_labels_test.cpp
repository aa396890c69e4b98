// acm_soft_labels against the formula, bit for bit.
#include "check.h"

namespace {
void run(int n, int classes, float smoothing, bool rows) {
  check::Buffer<int32_t> ids(n), partner(n);
  check::Buffer<float> values(int64_t(n) * classes), weights(n), out(int64_t(n) * classes);
  for (int i = 0; i < n; i++) {
    ids[i] = check::below(classes);
    partner[i] = check::below(n);
    weights[i] = check::uniform(0, 1);
  }
  for (int64_t i = 0; i < int64_t(n) * classes; i++) values[i] = check::uniform(0, 1);
  const std::string name =
      "soft_labels " + std::to_string(n) + "x" + std::to_string(classes) + (rows ? " rows" : " ids");
  check::orders([&](const std::string &order) {
    memset(out.data(), 0xA5, size_t(out.size()) * 4);
    check::status(name, acm_soft_labels(rows ? nullptr : ids.data(), rows ? values.data() : nullptr, partner.data(),
                                        weights.data(), n, classes, smoothing, out.data(), nullptr));
    std::vector<float> wanted;
    for (int i = 0; i < n; i++) {
      const int b = partner[i];
      const float w = weights[i], rest = 1.f - w, keep = 1.f - smoothing, spread = smoothing / float(classes);
      for (int c = 0; c < classes; c++) {
        float v;
        if (rows) {
          const float a = w * values[int64_t(i) * classes + c], d = rest * values[int64_t(b) * classes + c];
          v = a + d;
        } else {
          v = ids[i] == c && ids[b] == c ? w + rest : ids[i] == c ? w : ids[b] == c ? rest : 0;
        }
        wanted.push_back(keep * v + spread);
      }
    }
    check::same(name + order, out.data(), wanted.data(), int64_t(n) * classes);
  });
}
void shapes() {
  for (int n : {1, 2, 3, 33}) {
    for (int classes : {1, 7, 257, 2049}) {
      if (check::quick && n * classes > 10000) continue;
      run(n, classes, 0, false);
      run(n, classes, 0.1f, n % 2 == 0);
    }
  }
}
void arguments() {
  check::Buffer<int32_t> ids(2), partner(2);
  check::Buffer<float> values(6), weights(2), out(6);
  auto call = [&](const int32_t *i, const float *r, const int32_t *p, const float *w, int64_t n, int64_t classes,
                  float s, float *o) { return acm_soft_labels(i, r, p, w, n, classes, s, o, nullptr); };
  check::status("neither", call(nullptr, nullptr, partner.data(), weights.data(), 2, 3, 0, out.data()),
                ACM_NULL_POINTER);
  check::status("both", call(ids.data(), values.data(), partner.data(), weights.data(), 2, 3, 0, out.data()),
                ACM_UNSUPPORTED);
  check::status("partner", call(ids.data(), nullptr, nullptr, weights.data(), 2, 3, 0, out.data()), ACM_NULL_POINTER);
  check::status("weights", call(ids.data(), nullptr, partner.data(), nullptr, 2, 3, 0, out.data()), ACM_NULL_POINTER);
  check::status("out", call(ids.data(), nullptr, partner.data(), weights.data(), 2, 3, 0, nullptr), ACM_NULL_POINTER);
  check::status("classes", call(ids.data(), nullptr, partner.data(), weights.data(), 2, 0, 0, out.data()),
                ACM_BAD_SIZE);
  check::status("n", call(ids.data(), nullptr, partner.data(), weights.data(), -2, 3, 0, out.data()), ACM_BAD_SIZE);
  check::status("smoothing", call(ids.data(), nullptr, partner.data(), weights.data(), 2, 3, NAN, out.data()),
                ACM_BAD_VALUE);
  check::status("overflow",
                call(ids.data(), nullptr, partner.data(), weights.data(), 1 << 30, int64_t(1) << 40, 0, out.data()),
                ACM_TOO_LARGE);
  check::status("overlap", call(nullptr, values.data(), partner.data(), weights.data(), 2, 3, 0, values.data()),
                ACM_OVERLAP);
  check::status(
      "over the ids",
      call(ids.data(), nullptr, partner.data(), weights.data(), 2, 1, 0, reinterpret_cast<float *>(ids.data())),
      ACM_OVERLAP);
  check::status(
      "over the partners",
      call(ids.data(), nullptr, partner.data(), weights.data(), 2, 1, 0, reinterpret_cast<float *>(partner.data())),
      ACM_OVERLAP);
  check::status("over the weights", call(ids.data(), nullptr, partner.data(), weights.data(), 2, 1, 0, weights.data()),
                ACM_OVERLAP);
  check::status("smoothing above 1", call(ids.data(), nullptr, partner.data(), weights.data(), 2, 3, 1.5f, out.data()),
                ACM_BAD_VALUE);
  check::status("too many",
                call(ids.data(), nullptr, partner.data(), weights.data(), int64_t(1) << 33, 3, 0, out.data()),
                ACM_TOO_LARGE);
  check::status("misaligned",
                call(ids.data(), nullptr, partner.data(), weights.data(), 2, 3, 0,
                     reinterpret_cast<float *>(reinterpret_cast<char *>(out.data()) + 1)),
                ACM_MISALIGNED);
  check::status("nothing", call(nullptr, nullptr, nullptr, nullptr, 0, 3, 0, nullptr));
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"soft_labels.shapes", shapes}, {"soft_labels.arguments", arguments}}, argc, argv);
}
