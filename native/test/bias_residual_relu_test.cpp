// acm_bias_residual_relu against the formula, bit for bit, also in place.
#include "check.h"
#include "reference.h"

namespace {
void run(int rows, int c, int type, int shift, bool residual, bool relu, bool inPlace) {
  const int size = reference::bytes_of(type);
  const int64_t total = int64_t(rows) * c;
  check::Buffer<unsigned char> x(total * size, shift), r(total * size, shift), y(total * size, shift);
  check::Buffer<float> bias(c);
  const float special[] = {NAN, INFINITY, -INFINITY, -0.f, 65504.f};
  auto random = [&] { return check::below(40) == 0 ? special[check::below(5)] : check::uniform(-3, 3); };
  std::vector<uint32_t> wanted;
  for (int i = 0; i < c; i++) bias[i] = check::uniform(-1, 1);
  std::vector<unsigned char> original(size_t(total) * size);
  for (int64_t i = 0; i < total; i++) {
    reference::put(original.data(), i, size, reference::from_float(random(), type));
    reference::put(r.data(), i, size, reference::from_float(random(), type));
    float v = reference::to_float(reference::get(original.data(), i, size), type);
    if (residual) v = v + reference::to_float(reference::get(r.data(), i, size), type);
    v = v + bias[i % c];
    if (relu && !std::isnan(v) && !(v > 0)) v = 0;
    wanted.push_back(reference::from_float(v, type));
  }
  const std::string name = "bias_residual_relu " + std::to_string(rows) + "x" + std::to_string(c) + " type " +
                           std::to_string(type) + (residual ? " residual" : "") + (relu ? " relu" : "");
  check::orders([&](const std::string &order) {
    memcpy(x.data(), original.data(), original.size());
    unsigned char *out = inPlace ? x.data() : y.data();
    check::status(name, acm_bias_residual_relu(x.data(), bias.data(), residual ? r.data() : nullptr, out, type, rows, c,
                                               relu, nullptr));
    for (int64_t i = 0; i < total; i++) {
      const uint32_t got = reference::get(out, i, size);
      const bool nan = std::isnan(reference::to_float(wanted[size_t(i)], type));
      if (nan ? !std::isnan(reference::to_float(got, type)) : got != wanted[size_t(i)]) {
        check::fail(name + order + ": at " + std::to_string(i) + " got bits " + std::to_string(got) + ", wanted " +
                    std::to_string(wanted[size_t(i)]));
        return;
      }
    }
  });
}
void shapes() {
  int turn = 0;
  for (int rows : {1, 3, 49, 65}) {
    for (int c : {1, 7, 64, 72, 512, 2048}) {
      for (int type = ACM_FLOAT16; type <= ACM_FLOAT32; type++) {
        turn++;
        run(rows, c, type, turn % 4 == 0 ? 4 : 0, turn % 2 == 0, turn % 3 != 0, turn % 5 == 0);
      }
    }
  }
}
void arguments() {
  check::Buffer<float> x(64), y(64), r(64), bias(8);
  auto call = [&](const void *in, const float *b, const void *res, void *out, int type, int64_t rows, int64_t c) {
    return acm_bias_residual_relu(in, b, res, out, type, rows, c, 1, nullptr);
  };
  check::status("null x", call(nullptr, bias.data(), r.data(), y.data(), 3, 8, 8), ACM_NULL_POINTER);
  check::status("null bias", call(x.data(), nullptr, r.data(), y.data(), 3, 8, 8), ACM_NULL_POINTER);
  check::status("null y", call(x.data(), bias.data(), r.data(), nullptr, 3, 8, 8), ACM_NULL_POINTER);
  check::status("type", call(x.data(), bias.data(), r.data(), y.data(), 0, 8, 8), ACM_BAD_VALUE);
  check::status("rows", call(x.data(), bias.data(), r.data(), y.data(), 3, -8, 8), ACM_BAD_SIZE);
  check::status("c", call(x.data(), bias.data(), r.data(), y.data(), 3, 8, 0), ACM_BAD_SIZE);
  check::status("overflow", call(x.data(), bias.data(), r.data(), y.data(), 3, int64_t(1) << 60, 1 << 20),
                ACM_TOO_LARGE);
  check::status("x shifted", call(x.data(), bias.data(), r.data(), x.data() + 1, 3, 7, 8), ACM_OVERLAP);
  check::status("residual shifted", call(x.data(), bias.data(), y.data() + 1, y.data(), 3, 7, 8), ACM_OVERLAP);
  check::status("misaligned", call(reinterpret_cast<char *>(x.data()) + 2, bias.data(), nullptr, y.data(), 3, 7, 8),
                ACM_MISALIGNED);
  check::status("over the bias", call(x.data(), bias.data(), nullptr, bias.data(), 3, 1, 8), ACM_OVERLAP);
  check::status(
      "bias misaligned",
      call(x.data(), reinterpret_cast<float *>(reinterpret_cast<char *>(bias.data()) + 1), nullptr, y.data(), 3, 7, 8),
      ACM_MISALIGNED);
  check::status("y misaligned", call(x.data(), bias.data(), nullptr, reinterpret_cast<char *>(y.data()) + 1, 3, 7, 8),
                ACM_MISALIGNED);
  check::status("c too large", call(x.data(), bias.data(), nullptr, y.data(), 3, 1, int64_t(1) << 32), ACM_TOO_LARGE);
  check::status("nothing", call(nullptr, nullptr, nullptr, nullptr, 3, 0, 8));
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"bias_residual_relu.shapes", shapes}, {"bias_residual_relu.arguments", arguments}}, argc, argv);
}
