// acm_mix against a loop that asks for every pixel which cell it lies in.
#include "mixing.h"
#include "shapes.h"

namespace {
const float kNormalisation[6] = {0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f};

void run(const std::string &name, const Batch &source, const Batch &background, Batch &out, const Regions &regions) {
  check::orders([&](const std::string &order) {
    out.poison();
    check::status(name, acm_mix(&source.images, &background.images, &out.images, &regions.regions, nullptr));
    regions.verify(name + order, source, background, out);
  });
}
void sizes() {
  int turn = 0;
  for (const Shape &c : awkward_shapes(110000, 40000)) {
    for (int type = ACM_UINT8; type <= ACM_FLOAT32; type++) {
      if (c.n * c.h * c.w > 8000 && turn % 4 != type) continue;
      const int layout = (turn + type) % 2, size = reference::bytes_of(type);
      Batch in = one_size(c.n, c.h, c.w, type, layout, 3, turn % 3 * size);
      in.fill();
      Batch out = one_size(c.n, c.h, c.w, type, layout, 3, turn % 4 * size);
      Regions regions(c.n, 7);
      for (int i = 0; i < c.n; i++) regions.select(i, 0.3);
      run("mix " + c.name() + " " + form_name(type, layout), in, in, out, regions);
    }
    turn++;
  }
}
void anywhere() {  // every way in which source, background and output can lie to 16 bytes
  int turn = 0;
  for (int type = ACM_UINT8; type <= ACM_FLOAT32; type++) {
    const int size = reference::bytes_of(type);
    for (int from = 0; from < 16; from += size) {
      for (int to = 0; to < 16; to += size) {
        turn++;
        if (check::quick && turn % 9) continue;
        const int layout = turn % 2, w = 21 + turn % 5;
        Batch source = one_size(2, 15, w, type, layout, 3, from, turn % 3 * size);
        Batch background = one_size(2, 15, w, type, layout, 3, (from * 7 + to * 5) % 16 / size * size, turn % 2 * size);
        source.fill();
        background.fill();
        const int toType = turn % 3 == 0 || type == ACM_UINT8 ? (turn % 3 == 0 ? type : turn % 4) : 1 + turn % 3;
        const int toSize = reference::bytes_of(toType);
        Batch out = one_size(2, 15, w, toType, turn / 2 % 2, 3, to / toSize * toSize);
        Regions regions(2, 7);
        regions.regions.normalisation = turn % 2 ? kNormalisation : nullptr;
        regions.regions.mixed = turn % 5 ? nullptr : regions.mixed.data();
        regions.select(0, 0.4);
        regions.select(1, 0.5);
        run("mix anywhere " + form_name(type, layout) + " at " + std::to_string(from) + " to " +
                form_name(toType, turn / 2 % 2) + " at " + std::to_string(to),
            source, background, out, regions);
      }
    }
  }
}
// Sources in two arenas, reached by offsets before and behind `pixels`; and more backgrounds than outputs.
void two_arenas() {
  for (int to : {ACM_UINT8, ACM_FLOAT16}) {
    Batch first({20, 20, 20, 20}, {30, 30, 30, 30}, ACM_UINT8, ACM_NHWC, 3, 0, 7);
    Batch second({20, 20, 20, 20}, {30, 30, 30, 30}, ACM_UINT8, ACM_NHWC, 3, 5, 3);
    Batch background = one_size(9, 20, 30, ACM_UINT8, ACM_NHWC);
    first.fill();
    second.fill();
    background.fill();
    for (int i = 0; i < 4; i += 2) {  // from now on, images 0 and 2 of the batch are the second arena's
      (*first.offsets)[i] = second.pixels->data() + second.offset[size_t(i)] - first.pixels->data();
    }
    Batch wanted({20, 20, 20, 20}, {30, 30, 30, 30}, ACM_UINT8, ACM_NHWC, 3, 0, 7);
    for (int i = 0; i < 4; i++) {
      memcpy(wanted.pixels->data() + wanted.offset[size_t(i)], first.pixels->data() + (*first.offsets)[i], 20 * 30 * 3);
    }
    Batch out = one_size(4, 20, 30, to, ACM_NHWC);
    Regions regions(4, 7);
    for (int i = 0; i < 4; i++) {
      regions.select(i, 0.4);
      regions.partner[i] = 8 - 2 * i;
    }
    check::orders([&](const std::string &order) {
      out.poison();
      check::status("mix two arenas",
                    acm_mix(&first.images, &background.images, &out.images, &regions.regions, nullptr));
      regions.verify("mix two arenas" + order, wanted, background, out);
    });
  }
}
void forms() {  // every type and layout to every type and layout
  for (int type = ACM_UINT8; type <= ACM_FLOAT32; type++) {
    for (int layout = 0; layout < 2; layout++) {
      for (int to = type == ACM_UINT8 ? ACM_UINT8 : ACM_FLOAT16; to <= ACM_FLOAT32; to++) {
        for (int toLayout = 0; toLayout < 2; toLayout++) {
          for (int side : {28, 33}) {
            if (check::quick && side == 33 && (type + to) % 2) continue;
            Batch in = one_size(2, side, side == 28 ? 32 : 35, type, layout);
            in.fill();
            Batch out = one_size(2, side, side == 28 ? 32 : 35, to, toLayout);
            Regions regions(2, 7);
            regions.regions.normalisation = side == 28 ? kNormalisation : nullptr;
            regions.select(0, 0.2);
            regions.select(1, 0.8);
            run("mix " + form_name(type, layout) + " to " + form_name(to, toLayout), in, in, out, regions);
          }
        }
      }
    }
  }
}
void ragged() {  // sources in their backgrounds' sizes, each at its own offset
  for (int gap : {1, 4, 16}) {
    for (int type : {ACM_UINT8, ACM_FLOAT16, ACM_FLOAT32}) {
      const int size = reference::bytes_of(type);
      Batch background({20, 33, 64, 31}, {50, 33, 16, 40}, type, ACM_NHWC, 3, 0, gap * size);
      background.fill();
      Regions regions(4, 5);
      std::vector<int> h, w;
      for (int i = 0; i < 4; i++) {
        h.push_back(background.h[size_t(regions.partner[i])]);
        w.push_back(background.w[size_t(regions.partner[i])]);
        regions.select(i, 0.4);
      }
      Batch source(h, w, type, ACM_NHWC, 3, size, gap * size);
      source.fill();
      Batch out(h, w, type == ACM_FLOAT16 ? ACM_FLOAT32 : type, ACM_NHWC, 3, 0, 4 * gap);
      run("mix ragged " + form_name(type, 0) + " gap " + std::to_string(gap), source, background, out, regions);
    }
  }
}
void grids() {
  for (int grid : {1, 2, 8, 13, 32}) {
    Batch in = one_size(3, grid + 5, grid * 2 + 1, ACM_UINT8, ACM_NHWC);
    in.fill();
    Batch out = one_size(3, grid + 5, grid * 2 + 1, ACM_UINT8, ACM_NHWC);
    Regions regions(3, grid);
    regions.select(0, 0.5);
    regions.select(1, 1.0);
    run("mix grid " + std::to_string(grid), in, in, out, regions);
  }
}
void one_cell_of_many() {  // not symmetric: rows and columns can't be taken for each other
  for (int cell : {1, 7, 5 * 7 + 2, 48}) {
    Batch in = one_size(2, 31, 61, ACM_UINT8, ACM_NHWC);
    in.fill();
    Batch out = one_size(2, 31, 61, ACM_UINT8, ACM_NHWC);
    Regions regions(2, 7);
    regions.regions.mixed = nullptr;
    regions.partner[0] = 1;
    regions.partner[1] = 0;
    regions.select(0, cell);
    regions.select(1, cell);
    run("mix cell " + std::to_string(cell), in, in, out, regions);
  }
}
void boxes() {
  Batch in = one_size(6, 33, 40, ACM_UINT8, ACM_NHWC);
  in.fill();
  const int box[6][4] = {{0, 0, 40, 33},   {5, 6, 5, 20},  {3, 4, 20, 4},
                         {39, 32, 40, 33}, {1, 2, 30, 17}, {0, 10, 40, 12}};
  for (int to : {ACM_UINT8, ACM_BFLOAT16}) {
    Batch out = one_size(6, 33, 40, to, to == ACM_UINT8 ? ACM_NHWC : ACM_NCHW);
    Regions regions(6, 7);
    for (int i = 0; i < 24; i++) regions.boxes[i] = box[i / 4][i % 4];
    regions.regions.boxes = regions.boxes.data();
    regions.regions.cells = nullptr;
    run("mix boxes", in, in, out, regions);
  }
}
void masks() {
  for (int type : {ACM_UINT8, ACM_FLOAT16, ACM_FLOAT32}) {
    Batch in = one_size(3, 31, 45, type, ACM_NHWC, 1);
    in.fill();
    Batch out = one_size(3, 31, 45, type, ACM_NHWC, 1);
    Regions regions(3, 7);
    for (int i = 0; i < 3; i++) regions.select(i, 0.5);
    run("mix masks", in, in, out, regions);
    out.images.layout = ACM_NCHW;  // of one channel it is the same
    run("mix masks of another layout", in, in, out, regions);
  }
}
void special_values() {  // a floating value that is only moved keeps its bits
  Batch in = one_size(2, 8, 8, ACM_FLOAT16, ACM_NHWC);
  for (int i = 0; i < 2 * 8 * 8 * 3; i++) reference::put(in.pixels->data(), i, 2, uint32_t(check::random()()));
  Batch out = one_size(2, 8, 8, ACM_FLOAT16, ACM_NCHW);
  Regions regions(2, 4);
  regions.select(0, 0.5);
  run("mix special values", in, in, out, regions);
}
void arguments() {
  Batch in = one_size(2, 8, 9, ACM_UINT8, ACM_NHWC), out = one_size(2, 8, 9, ACM_UINT8, ACM_NHWC);
  in.fill();
  Regions regions(2, 7);
  auto call = [&](auto change) {
    acm_images s = in.images, b = in.images, o = out.images;
    acm_regions r = regions.regions;
    change(s, b, o, r);
    return acm_mix(&s, &b, &o, &r, nullptr);
  };
  using I = acm_images;
  using R = acm_regions;
  check::status("null source", acm_mix(nullptr, &in.images, &out.images, &regions.regions, nullptr), ACM_NULL_POINTER);
  check::status("null regions", acm_mix(&in.images, &in.images, &out.images, nullptr, nullptr), ACM_NULL_POINTER);
  check::status("partner", call([](I &, I &, I &, R &r) { r.partner = nullptr; }), ACM_NULL_POINTER);
  check::status("cells", call([](I &, I &, I &, R &r) { r.cells = nullptr; }), ACM_NULL_POINTER);
  check::status("grid 0", call([](I &, I &, I &, R &r) { r.grid = 0; }), ACM_BAD_SIZE);
  check::status("grid 33", call([](I &, I &, I &, R &r) { r.grid = 33; }), ACM_TOO_LARGE);
  check::status("height below G", call([](I &s, I &b, I &o, R &) { s.height = b.height = o.height = 6; }),
                ACM_BAD_SIZE);
  check::status("sizes differ", call([](I &, I &b, I &, R &) { b.height = 7; }), ACM_BAD_SIZE);
  check::status("counts differ", call([](I &, I &, I &o, R &) { o.count = 1; }), ACM_BAD_SIZE);
  check::status("types differ", call([](I &, I &b, I &, R &) { b.type = ACM_FLOAT16; }), ACM_UNSUPPORTED);
  check::status("float to uint8", call([](I &s, I &b, I &, R &) { s.type = b.type = ACM_FLOAT16; }), ACM_UNSUPPORTED);
  check::status("in place", call([](I &s, I &, I &o, R &) { o.pixels = s.pixels; }), ACM_OVERLAP);
  check::status("misaligned", call([](I &s, I &b, I &o, R &) {
                  s.type = b.type = o.type = ACM_FLOAT32;
                  s.pixels = static_cast<char *>(s.pixels) + 1;
                }),
                ACM_MISALIGNED);
  check::status("too large", call([](I &s, I &b, I &o, R &) { s.width = b.width = o.width = 1 << 28; }), ACM_TOO_LARGE);
  const float bad[6] = {0, 0, 0, 1, -1, 1};
  check::status("std", call([&](I &, I &, I &, R &r) { r.normalisation = bad; }), ACM_BAD_VALUE);
  const float infinite[6] = {0, 0, 0, 1, INFINITY, 1}, nan[6] = {0, NAN, 0, 1, 1, 1};
  check::status("std infinite", call([&](I &, I &, I &, R &r) { r.normalisation = infinite; }), ACM_BAD_VALUE);
  check::status("mean NaN", call([&](I &, I &, I &, R &r) { r.normalisation = nan; }), ACM_BAD_VALUE);
  check::status("null background", acm_mix(&in.images, nullptr, &out.images, &regions.regions, nullptr),
                ACM_NULL_POINTER);
  check::status("null out", acm_mix(&in.images, &in.images, nullptr, &regions.regions, nullptr), ACM_NULL_POINTER);
  check::status("source pixels", call([](I &s, I &, I &, R &) { s.pixels = nullptr; }), ACM_NULL_POINTER);
  check::status("background pixels", call([](I &, I &b, I &, R &) { b.pixels = nullptr; }), ACM_NULL_POINTER);
  check::status("out pixels", call([](I &, I &, I &o, R &) { o.pixels = nullptr; }), ACM_NULL_POINTER);
  check::status("no backgrounds", call([](I &, I &b, I &, R &) { b.count = 0; }), ACM_BAD_SIZE);
  check::status("source count", call([](I &s, I &, I &, R &) { s.count = -2; }), ACM_BAD_SIZE);
  check::status("out height", call([](I &, I &, I &o, R &) { o.height = 0; }), ACM_BAD_SIZE);
  check::status("layouts differ", call([](I &, I &b, I &, R &) { b.layout = ACM_NCHW; }), ACM_UNSUPPORTED);
  check::status("layout", call([](I &, I &, I &o, R &) { o.layout = 3; }), ACM_BAD_VALUE);
  check::status("padded", call([](I &s, I &b, I &o, R &) { s.channels = b.channels = o.channels = 4; }), ACM_BAD_VALUE);
  check::status("channels differ", call([](I &, I &, I &o, R &) { o.channels = 1; }), ACM_UNSUPPORTED);
  check::status("sizes alone", call([&](I &, I &, I &o, R &) { o.sizes = reinterpret_cast<int32_t *>(64); }),
                ACM_NULL_POINTER);
  check::status("counts overflow", call([](I &s, I &b, I &o, R &) { s.count = b.count = o.count = int64_t(1) << 62; }),
                ACM_TOO_LARGE);
  check::status("cells misaligned", call([&](I &, I &, I &, R &r) {
                  r.cells = reinterpret_cast<uint64_t *>(reinterpret_cast<char *>(regions.cells.data()) + 4);
                }),
                ACM_MISALIGNED);
  check::status("partner misaligned", call([&](I &, I &, I &, R &r) {
                  r.partner = reinterpret_cast<int32_t *>(reinterpret_cast<char *>(regions.partner.data()) + 2);
                }),
                ACM_MISALIGNED);
  check::status("boxes misaligned", call([&](I &, I &, I &, R &r) {
                  r.boxes = reinterpret_cast<int32_t *>(reinterpret_cast<char *>(regions.boxes.data()) + 1);
                }),
                ACM_MISALIGNED);
  check::status("out over its background",
                call([](I &, I &b, I &o, R &) { o.pixels = static_cast<char *>(b.pixels) + 5; }), ACM_OVERLAP);
  check::status("out over the cells", call([&](I &, I &, I &o, R &) { o.pixels = regions.cells.data(); }), ACM_OVERLAP);
  check::status("out over the partners", call([&](I &, I &, I &o, R &) { o.pixels = regions.partner.data(); }),
                ACM_OVERLAP);
  check::status("out over the flags", call([&](I &, I &, I &o, R &) { o.pixels = regions.mixed.data(); }), ACM_OVERLAP);
  check::Buffer<int64_t> table(2);
  check::status("one table, one place", call([&](I &s, I &, I &o, R &) {
                  s.offsets = o.offsets = table.data();
                  o.pixels = s.pixels;
                }),
                ACM_OVERLAP);
  check::status("nothing", call([](I &s, I &b, I &o, R &) { s.count = b.count = o.count = 0; }));
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"mix.sizes", sizes},
                    {"mix.anywhere", anywhere},
                    {"mix.two_arenas", two_arenas},
                    {"mix.forms", forms},
                    {"mix.ragged", ragged},
                    {"mix.grids", grids},
                    {"mix.one_cell_of_many", one_cell_of_many},
                    {"mix.boxes", boxes},
                    {"mix.masks", masks},
                    {"mix.special_values", special_values},
                    {"mix.arguments", arguments}},
                   argc, argv);
}
