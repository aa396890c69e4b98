// acm_preprocess against whole-image resizes in the order of Pillow's passes, bit for bit.
#include "batches.h"
#include "shapes.h"

namespace {
const float kNormalisation[6] = {0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f};

// Whether a value of what is written is not finite before it is rounded: what acm_preprocess must note of a floating
// image.
bool is_spoiled(const reference::Image &resized, bool normalise) {
  if (resized.type == ACM_UINT8 || resized.channels == 1) return false;
  reference::Image values = reference::convert(resized, ACM_FLOAT32, normalise ? kNormalisation : nullptr);
  for (uint32_t bits : values.v) {
    if (!std::isfinite(reference::to_float(bits, ACM_FLOAT32))) return true;
  }
  return false;
}

// pixels: whether they are compared as well; a NaN's bits after a resize are the machine's affair.
void run(const std::string &name, const Batch &in, Batch &out, int filter, bool normalise, bool pixels = true) {
  int64_t bytes = -1;
  check::status(name + " workspace", acm_preprocess_workspace(&in.images, &out.images, filter, &bytes));
  check::Buffer<unsigned char> workspace(bytes);
  check::Buffer<uint8_t> spoiled(in.images.count);
  check::orders([&](const std::string &order) {
    out.poison();
    for (size_t i = 0; i < in.h.size(); i++) spoiled[int64_t(i)] = i % 3 == 2 ? 0x5A : 0;  // what is there stays
    check::status(name, acm_preprocess(&in.images, &out.images, filter, normalise, kNormalisation, spoiled.data(),
                                       workspace.data(), bytes, nullptr));
    for (size_t i = 0; i < in.h.size(); i++) {
      reference::Image resized = reference::resize(in.image(int(i)), out.h[i], out.w[i], filter);
      const int flag = is_spoiled(resized, normalise) ? 1 : i % 3 == 2 ? 0x5A : 0;
      check::truth(name + order + ": flag of image " + std::to_string(i) + " is " +
                       std::to_string(spoiled[int64_t(i)]) + ", wanted " + std::to_string(flag),
                   spoiled[int64_t(i)] == flag);
      if (!pixels) continue;
      same_image(name + order, out, int(i),
                 reference::convert(resized, out.type, normalise ? kNormalisation : nullptr));
    }
  });
}

void sizes() {
  const int cases[][4] = {{7, 7, 5, 9},     {31, 33, 32, 32}, {61, 115, 32, 32}, {115, 61, 32, 32}, {230, 32, 33, 32},
                          {33, 64, 33, 20}, {64, 33, 20, 33}, {1, 1, 4, 3},      {300, 5, 2, 5},    {5, 300, 5, 2},
                          {90, 40, 32, 32}, {40, 7, 17, 41},  {200, 3, 1, 1}};
  int turn = 0;
  for (const auto &c : cases) {
    if (check::quick && c[0] * c[1] > 4000) continue;
    for (int filter = ACM_BICUBIC; filter <= ACM_NEAREST; filter++) {
      turn++;
      Batch in = one_size(2, c[0], c[1], turn % 4, turn / 2 % 2, 3, turn % 3 == 0 ? 4 : 0);
      in.fill();
      const bool bytes = in.type == ACM_UINT8 && turn % 8 == 0;
      Batch out = one_size(2, c[2], c[3], bytes ? ACM_UINT8 : 1 + turn % 3, turn / 3 % 2);
      run("size " + std::to_string(c[0]) + "x" + std::to_string(c[1]) + " to " + std::to_string(c[2]) + "x" +
              std::to_string(c[3]) + " filter " + std::to_string(filter) + " " + form_name(in.type, in.layout) +
              " to " + form_name(out.type, out.layout),
          in, out, filter, turn % 2 == 0);
    }
  }
}
void uint8_is_pillows() {
  for (int filter = ACM_BICUBIC; filter <= ACM_NEAREST; filter++) {
    Batch in = one_size(1, check::quick ? 45 : 97, check::quick ? 60 : 131, ACM_UINT8, ACM_NHWC);
    in.fill();
    Batch out = one_size(1, 32, 32, ACM_UINT8, ACM_NHWC);
    run("uint8 filter " + std::to_string(filter), in, out, filter, false);
  }
}
void ragged() {
  for (int type = ACM_UINT8; type <= ACM_FLOAT32; type++) {
    Batch in({32, 61, 7, 33, 50}, {32, 20, 90, 32, 41}, type, type % 2, 3, 0, 12);
    in.fill();
    Batch out = one_size(5, 32, 32, ACM_FLOAT16, ACM_NHWC, 4);
    run("ragged to one size " + form_name(type, type % 2), in, out, type % 3, true);
    Batch sized({20, 32, 61, 9, 33}, {32, 31, 20, 40, 41}, type, 1 - type % 2, 3, 0, 4);
    if (type == ACM_UINT8 || type == ACM_FLOAT32)
      run("ragged to ragged " + form_name(type, type % 2), in, sized, 1 - type % 2, false);
    Batch nearest({20, 32, 61, 9, 33}, {32, 31, 20, 40, 41}, type, 1 - type % 2, 3, 0, 4);
    run("ragged to ragged nearest " + form_name(type, type % 2), in, nearest, ACM_NEAREST, false);
  }
}
void awkward() {  // every shape as it is, and to the sizes of its neighbours
  int turn = 0;
  for (const Shape &c : awkward_shapes(53000, 8000)) {
    turn++;
    const int type = turn % 4, size = reference::bytes_of(type), to = 1 + turn % 3, toSize = reference::bytes_of(to);
    Batch in = one_size(c.n, c.h, c.w, type, turn / 2 % 2, 3, turn % 3 * size);
    in.fill();
    Batch same = one_size(c.n, c.h, c.w, to, turn % 2, 3, turn % 4 * toSize);
    run("as it is " + c.name() + " " + form_name(type, turn / 2 % 2), in, same, ACM_BICUBIC, turn % 2);
    const int side = c.h * c.w > 40000 ? 224 : c.n == 33 ? 7 : 61;
    Batch out = one_size(c.n, side, c.w > 7 ? 33 : 31, to, ACM_NHWC, 4);
    run("resized " + c.name() + " " + form_name(type, turn / 2 % 2), in, out, turn % 3, true);
  }
}
void same_size() {
  const int sides[][2] = {{32, 32}, {7, 7}, {31, 33}, {61, 20}, {16, 3}};
  for (const auto &side : sides) {
    for (int type = ACM_UINT8; type <= ACM_FLOAT32; type++) {
      for (int to = type == ACM_UINT8 ? ACM_UINT8 : ACM_FLOAT16; to <= ACM_FLOAT32; to++) {
        const int turn = check::below(4), channels = to == ACM_UINT8 || turn % 2 == 1 ? 3 : check::below(2) ? 4 : 8;
        Batch in = one_size(3, side[0], side[1], type, turn / 2, 3, turn == 3 ? 4 : 0);
        in.fill();
        Batch out = one_size(3, side[0], side[1], to, channels == 3 ? turn % 2 : ACM_NHWC, channels);
        run("same size " + form_name(in.type, in.layout) + " to " + form_name(out.type, out.layout) + " of " +
                std::to_string(channels),
            in, out, ACM_BICUBIC, turn != 2);
      }
    }
  }
}
void padded() {
  for (int to = ACM_FLOAT16; to <= ACM_FLOAT32; to++) {
    for (int channels = 4; channels <= 8; channels += 4) {
      Batch in = one_size(2, 40, 33, ACM_UINT8, ACM_NHWC);
      in.fill();
      Batch out = one_size(2, 32, 32, to, ACM_NHWC, channels, to == ACM_FLOAT16 ? 2 : 0);
      run("padded to " + std::to_string(channels) + " " + form_name(to, ACM_NHWC), in, out, ACM_BILINEAR, true);
    }
  }
}
void masks() {
  for (int type : {ACM_UINT8, ACM_FLOAT16, ACM_FLOAT32}) {
    Batch in({31, 7, 64}, {20, 9, 33}, type, ACM_NHWC, 1, 0, 4);
    in.fill();
    Batch out({20, 31, 64}, {33, 9, 33}, type, ACM_NHWC, 1, 0, 8);
    run("mask", in, out, ACM_NEAREST, false);
  }
}
void all_bytes() {  // every byte value through every channel and type
  Batch in = one_size(1, 16, 16, ACM_UINT8, ACM_NHWC);
  for (int i = 0; i < 256; i++) {
    for (int c = 0; c < 3; c++) (*in.pixels)[3 * i + c] = uint8_t(i);
  }
  for (int to = ACM_FLOAT16; to <= ACM_FLOAT32; to++) {
    Batch out = one_size(1, 16, 16, to, ACM_NCHW);
    run("all bytes " + form_name(to, ACM_NCHW), in, out, ACM_BICUBIC, true);
  }
}
void special_values() {  // NaN with payload, infinities, -0, subnormals: moved unchanged where types are equal
  const uint32_t halves[] = {0x7e01, 0xfe00, 0x7c01, 0x7c00, 0xfc00, 0x8000,
                             0x0001, 0x83ff, 0x7bff, 0x3555, 0x0400, 0xfbff};
  Batch in = one_size(1, 2, 2, ACM_FLOAT16, ACM_NHWC);
  for (int i = 0; i < 12; i++) reference::put(in.pixels->data(), i, 2, halves[i]);
  Batch out = one_size(1, 2, 2, ACM_FLOAT16, ACM_NCHW);
  run("special halves", in, out, ACM_BICUBIC, false);
  const uint32_t floats[] = {0x7fc00001, 0xffc01234, 0x7f800000, 0xff800000, 0x80000000, 0x00000001,
                             0x477fefff, 0x477ff000, 0x33000000, 0x33000001, 0x387fffff, 0x7f7fffff};
  Batch in32 = one_size(1, 2, 2, ACM_FLOAT32, ACM_NCHW);
  for (int i = 0; i < 12; i++) reference::put(in32.pixels->data(), i, 4, floats[i]);
  for (int to = ACM_FLOAT16; to <= ACM_FLOAT32; to++) {
    Batch out32 = one_size(1, 2, 2, to, ACM_NHWC);
    run("special floats to " + form_name(to, 0), in32, out32, ACM_BICUBIC, false);
  }
}
// One bad value in one image of three is noted for that image, wherever it is; a value that only rounding makes
// infinite is not.
void spoiled_images() {
  const float bad[] = {NAN, INFINITY, -INFINITY, 3.4e38f, 70000.f};
  int turn = 0;
  for (int type = ACM_FLOAT16; type <= ACM_FLOAT32; type++) {
    for (int filter = ACM_BICUBIC; filter <= ACM_NEAREST; filter++) {
      for (float value : bad) {
        if (type != ACM_FLOAT32 && std::isfinite(value)) continue;
        for (int side : {21, 16, 9}) {  // smaller, the same, larger
          turn++;
          if (check::quick && turn % 3) continue;
          Batch in = one_size(3, side, side == 16 ? 16 : side + 4, type, turn % 2, 3, turn % 4 == 0 ? 4 : 0);
          in.fill();
          const int64_t at = in.h[1] * in.w[1] * 3 - 1 - turn % 7;
          reference::put(in.pixels->data() + in.offset[1], at, reference::bytes_of(type),
                         reference::from_float(value, type));
          Batch out = one_size(3, 16, 16, 1 + turn % 3, turn / 2 % 2);
          run("spoiled by " + std::to_string(value) + " " + form_name(type, turn % 2) + " side " +
                  std::to_string(side) + " filter " + std::to_string(filter),
              in, out, filter, turn % 5 != 0, false);
        }
      }
    }
  }
}
void arguments() {
  Batch in = one_size(2, 8, 8, ACM_UINT8, ACM_NHWC), out = one_size(2, 4, 4, ACM_FLOAT16, ACM_NHWC, 4);
  in.fill();
  int64_t bytes = 0;
  auto call = [&](acm_images i, acm_images o, int filter = ACM_BICUBIC) {
    int64_t needed = 0;
    (void)acm_preprocess_workspace(&i, &o, filter, &needed);
    std::vector<uint64_t> workspace(size_t(1) << 16);
    return acm_preprocess(&i, &o, filter, 1, kNormalisation, nullptr, workspace.data(), int64_t(workspace.size()) * 8,
                          nullptr);
  };
  auto with = [](acm_images b, auto change) {
    change(b);
    return b;
  };
  check::status("null batch", acm_preprocess(nullptr, &out.images, 0, 0, nullptr, nullptr, nullptr, 0, nullptr),
                ACM_NULL_POINTER);
  check::status("null workspace result", acm_preprocess_workspace(&in.images, &out.images, 0, nullptr),
                ACM_NULL_POINTER);
  check::status("null pixels", call(with(in.images, [](acm_images &b) { b.pixels = nullptr; }), out.images),
                ACM_NULL_POINTER);
  check::status("sizes without offsets",
                call(with(in.images, [](acm_images &b) { b.sizes = reinterpret_cast<int32_t *>(64); }), out.images),
                ACM_NULL_POINTER);
  check::status("type", call(with(in.images, [](acm_images &b) { b.type = 4; }), out.images), ACM_BAD_VALUE);
  check::status("layout", call(with(in.images, [](acm_images &b) { b.layout = 2; }), out.images), ACM_BAD_VALUE);
  check::status("channels", call(with(in.images, [](acm_images &b) { b.channels = 2; }), out.images), ACM_BAD_VALUE);
  check::status("filter", call(in.images, out.images, 3), ACM_BAD_VALUE);
  check::status("height", call(with(in.images, [](acm_images &b) { b.height = 0; }), out.images), ACM_BAD_SIZE);
  check::status("count", call(with(in.images, [](acm_images &b) { b.count = -1; }), out.images), ACM_BAD_SIZE);
  check::status("counts differ", call(with(in.images, [](acm_images &b) { b.count = 1; }), out.images), ACM_BAD_SIZE);
  check::status("too many pixels",
                call(with(in.images, [](acm_images &b) { b.height = b.width = 1 << 15; }), out.images), ACM_TOO_LARGE);
  check::status("count too large", call(with(in.images, [](acm_images &b) { b.count = int64_t(1) << 40; }), out.images),
                ACM_TOO_LARGE);
  check::status("planes of 4", call(in.images, with(out.images, [](acm_images &b) { b.layout = ACM_NCHW; })),
                ACM_UNSUPPORTED);
  check::status("padded input", call(with(in.images, [](acm_images &b) { b.channels = 4; }), out.images),
                ACM_BAD_VALUE);
  check::status("float to uint8",
                call(with(in.images, [](acm_images &b) { b.type = ACM_FLOAT16; }), with(out.images,
                                                                                        [](acm_images &b) {
                                                                                          b.type = ACM_UINT8;
                                                                                          b.channels = 3;
                                                                                        })),
                ACM_UNSUPPORTED);
  check::status("mask by a filter",
                call(with(in.images, [](acm_images &b) { b.channels = 1; }), with(out.images,
                                                                                  [](acm_images &b) {
                                                                                    b.type = ACM_UINT8;
                                                                                    b.channels = 1;
                                                                                  })),
                ACM_UNSUPPORTED);
  check::status("misaligned",
                call(in.images, with(out.images, [](acm_images &b) { b.pixels = static_cast<char *>(b.pixels) + 1; })),
                ACM_MISALIGNED);
  check::status("overlap", call(in.images, with(out.images, [&](acm_images &b) { b.pixels = in.pixels->data() + 16; })),
                ACM_OVERLAP);
  check::status("no normalisation",
                acm_preprocess(&in.images, &out.images, 0, 1, nullptr, nullptr, nullptr, 0, nullptr), ACM_NULL_POINTER);
  check::status("no workspace", acm_preprocess(&in.images, &out.images, 0, 0, nullptr, nullptr, nullptr, 0, nullptr),
                ACM_NULL_POINTER);
  check::status("size", acm_preprocess_workspace(&in.images, &out.images, 0, &bytes));
  check::Buffer<unsigned char> workspace(bytes);
  check::status("short workspace",
                acm_preprocess(&in.images, &out.images, 0, 0, nullptr, nullptr, workspace.data(), bytes - 1, nullptr),
                ACM_WORKSPACE_TOO_SMALL);
  check::status("workspace alignment",
                acm_preprocess(&in.images, &out.images, 0, 0, nullptr, nullptr, workspace.data() + 4, bytes, nullptr),
                ACM_MISALIGNED);
  const float bad[6] = {0, 0, 0, 1, 0, 1};
  check::status("std of 0",
                acm_preprocess(&in.images, &out.images, 0, 1, bad, nullptr, workspace.data(), bytes, nullptr),
                ACM_BAD_VALUE);
  check::status("null out",
                acm_preprocess(&in.images, nullptr, 0, 0, nullptr, nullptr, workspace.data(), bytes, nullptr),
                ACM_NULL_POINTER);
  check::status("out pixels", call(in.images, with(out.images, [](acm_images &b) { b.pixels = nullptr; })),
                ACM_NULL_POINTER);
  check::status("out width", call(in.images, with(out.images, [](acm_images &b) { b.width = -4; })), ACM_BAD_SIZE);
  check::status("workspace of a null batch", acm_preprocess_workspace(nullptr, &out.images, 0, &bytes),
                ACM_NULL_POINTER);
  check::status("workspace filter", acm_preprocess_workspace(&in.images, &out.images, -1, &bytes), ACM_BAD_VALUE);
  check::status("workspace over the input",
                acm_preprocess(&in.images, &out.images, 0, 0, nullptr, nullptr,
                               reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(in.pixels->data() + 15) / 16 * 16),
                               bytes, nullptr),
                ACM_OVERLAP);
  check::status("workspace over the output",
                acm_preprocess(&in.images, &out.images, 0, 0, nullptr, nullptr,
                               reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(out.pixels->data()) / 16 * 16),
                               bytes, nullptr),
                ACM_OVERLAP);
  check::status(
      "flags over the workspace",
      acm_preprocess(&in.images, &out.images, 0, 0, nullptr, workspace.data(), workspace.data(), bytes, nullptr),
      ACM_OVERLAP);
  check::Buffer<int64_t> table(2);
  check::status("one table, one place",
                call(with(in.images, [&](acm_images &b) { b.offsets = table.data(); }), with(out.images,
                                                                                             [&](acm_images &b) {
                                                                                               b.offsets = table.data();
                                                                                               b.pixels =
                                                                                                   in.pixels->data();
                                                                                             })),
                ACM_OVERLAP);
  check::status(
      "flags over the input",
      acm_preprocess(&in.images, &out.images, 0, 0, nullptr, in.pixels->data() + 5, workspace.data(), bytes, nullptr),
      ACM_OVERLAP);
  check::status(
      "flags over the output",
      acm_preprocess(&in.images, &out.images, 0, 0, nullptr, out.pixels->data() - 1, workspace.data(), bytes, nullptr),
      ACM_OVERLAP);
  Batch none = one_size(0, 8, 8, ACM_UINT8, ACM_NHWC), noneOut = one_size(0, 8, 8, ACM_FLOAT16, ACM_NHWC);
  check::status("nothing", acm_preprocess(&none.images, &noneOut.images, 0, 0, nullptr, nullptr, nullptr, 0, nullptr));
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"preprocess.sizes", sizes},
                    {"preprocess.uint8_is_pillows", uint8_is_pillows},
                    {"preprocess.ragged", ragged},
                    {"preprocess.awkward", awkward},
                    {"preprocess.same_size", same_size},
                    {"preprocess.padded", padded},
                    {"preprocess.masks", masks},
                    {"preprocess.all_bytes", all_bytes},
                    {"preprocess.special_values", special_values},
                    {"preprocess.spoiled_images", spoiled_images},
                    {"preprocess.arguments", arguments}},
                   argc, argv);
}
