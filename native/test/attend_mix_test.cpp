// acm_attend_mix: the mask as acm_attend's tests check it, the images by that mask.
#include "attention.h"
#include "mixing.h"
#include "shapes.h"

namespace {
const float kNormalisation[6] = {0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f};

void run(const std::string &name, Maps &maps, const Batch &source, const Batch &background, Batch &out,
         Regions &regions) {
  check::orders([&](const std::string &order) {
    maps.poison();
    out.poison();
    check::status(name, acm_attend_mix(&maps.attention, &source.images, &background.images, &out.images,
                                       &regions.regions, nullptr));
    maps.verify(name + order);
    for (int i = 0; i < regions.n * regions.words(); i++) regions.cells[i] = maps.cells[i];
    regions.verify(name + order, source, background, out);
  });
}
void shapes() {
  int turn = 0;
  for (const Shape &c : awkward_shapes(55000, 8000)) {
    for (int again = 0; again < (c.n * c.h * c.w > 20000 ? 1 : 3); again++) {
      turn++;
      const int k[] = {0, 1, 6, 49}, type = turn % 4;
      Maps maps(c.n, 7,
                turn % 5 == 0 ? 512
                : turn % 2    ? 64
                              : 7,
                1 + turn % 3, turn % 5, static_cast<Maps::Kind>(turn / 2 % 4));
      maps.attention.k = k[turn / 3 % 4];
      const int layout = turn / 2 % 2;
      Batch in = one_size(c.n, c.h, c.w, type, layout, 3, turn % 4 * reference::bytes_of(type));
      in.fill();
      const bool convert = turn % 3 == 0;
      Batch out = one_size(c.n, c.h, c.w, convert ? 1 + turn % 3 : type, convert ? turn % 2 : layout);
      Regions regions(c.n, 7);
      regions.regions.normalisation = kNormalisation;
      run("attend_mix " + c.name() + " " + form_name(in.type, in.layout) + " to " + form_name(out.type, out.layout),
          maps, in, in, out, regions);
    }
  }
}
void grids_and_patches() {
  for (int grid : {1, 4, 8, 16}) {
    Maps maps(3, grid, 32, ACM_FLOAT16, ACM_MEAN, Maps::kRandom);
    for (int i = 0; i < 3; i++) maps.patches[i] = std::min(grid * grid, i * 3);
    maps.attention.patches = maps.patches.data();
    Batch in = one_size(3, 32, 40, ACM_UINT8, ACM_NHWC);
    in.fill();
    Batch out = one_size(3, 32, 40, ACM_FLOAT16, ACM_NCHW);
    Regions regions(3, grid);
    run("attend_mix grid " + std::to_string(grid), maps, in, in, out, regions);
  }
}
void spoiled_images() {  // their first k cells come from the image, not from its features
  Maps maps(3, 7, 40, ACM_FLOAT16, ACM_MEAN, Maps::kRandom);
  maps.attention.k = 6;
  maps.spoiled[1] = 1;
  maps.attention.spoiled = maps.spoiled.data();
  Batch in = one_size(3, 70, 96, ACM_FLOAT32, ACM_NHWC);
  in.fill();
  Batch out = one_size(3, 70, 96, ACM_FLOAT16, ACM_NHWC);
  Regions regions(3, 7);
  regions.regions.mixed = nullptr;
  run("attend_mix spoiled", maps, in, in, out, regions);
  check::truth("attend_mix spoiled: cells and flag",
               maps.cells[1] == 63 && maps.nonFinite[1] == 1 && maps.nonFinite[0] == 0);
}
void one_large_image_in_slices() {
  Maps maps(1, 7, 16, ACM_BFLOAT16, ACM_L2, Maps::kRandom);
  maps.attention.k = 6;
  Batch in = one_size(1, 230, 224, ACM_UINT8, ACM_NHWC);
  in.fill();
  Batch out = one_size(1, 230, 224, ACM_UINT8, ACM_NHWC);
  Regions regions(1, 7);
  regions.mixed[0] = 1;
  run("attend_mix slices", maps, in, in, out, regions);
}
void as_two_launches() {  // the mask need not be written, and the images are those of attend and mix
  Maps maps(3, 7, 128, ACM_FLOAT16, ACM_MAX, Maps::kFew);
  maps.attention.k = 6;
  Batch in = one_size(3, 35, 42, ACM_UINT8, ACM_NHWC);
  in.fill();
  Batch out = one_size(3, 35, 42, ACM_FLOAT16, ACM_NHWC), two = one_size(3, 35, 42, ACM_FLOAT16, ACM_NHWC);
  Regions regions(3, 7);
  acm_attention quiet = maps.attention;
  quiet.cells = nullptr;
  quiet.ranks = nullptr;
  quiet.heat = nullptr;
  quiet.non_finite = nullptr;
  check::status("attend_mix", acm_attend_mix(&quiet, &in.images, &in.images, &out.images, &regions.regions, nullptr));
  check::status("attend", acm_attend(&maps.attention, nullptr));
  regions.regions.cells = maps.cells.data();
  check::status("mix", acm_mix(&in.images, &in.images, &two.images, &regions.regions, nullptr));
  check::same("attend_mix as two launches", out.pixels->data(), two.pixels->data(), out.pixels->size());
}
void arguments() {
  Maps maps(2, 7, 16, ACM_FLOAT16, ACM_MEAN, Maps::kRandom);
  maps.attention.k = 6;
  Batch in = one_size(2, 8, 9, ACM_UINT8, ACM_NHWC), out = one_size(2, 8, 9, ACM_UINT8, ACM_NHWC);
  in.fill();
  Regions regions(2, 7);
  auto call = [&](auto change) {
    acm_attention a = maps.attention;
    acm_images o = out.images;
    acm_regions r = regions.regions;
    change(a, o, r);
    return acm_attend_mix(&a, &in.images, &in.images, &o, &r, nullptr);
  };
  using A = acm_attention;
  using I = acm_images;
  using R = acm_regions;
  check::status("null", acm_attend_mix(nullptr, &in.images, &in.images, &out.images, &regions.regions, nullptr),
                ACM_NULL_POINTER);
  check::status("k", call([](A &a, I &, R &) { a.k = 50; }), ACM_BAD_VALUE);
  check::status("features", call([](A &a, I &, R &) { a.features = nullptr; }), ACM_NULL_POINTER);
  check::status("grids differ", call([](A &, I &, R &r) { r.grid = 6; }), ACM_BAD_SIZE);
  check::status("counts differ", call([](A &a, I &, R &) { a.count = 1; }), ACM_BAD_SIZE);
  check::status("boxes", call([&](A &, I &, R &r) { r.boxes = regions.boxes.data(); }), ACM_UNSUPPORTED);
  check::status("in place", call([&](A &, I &o, R &) { o.pixels = in.pixels->data(); }), ACM_OVERLAP);
  using U8 = uint8_t;
  check::status("cells over the output", call([&](A &a, I &o, R &) { o.pixels = a.cells; }), ACM_OVERLAP);
  check::status("features over the output", call([&](A &a, I &o, R &) { o.pixels = const_cast<void *>(a.features); }),
                ACM_OVERLAP);
  check::status("flags over the input",
                call([&](A &a, I &, R &) { a.non_finite = static_cast<U8 *>(in.images.pixels); }), ACM_OVERLAP);
  check::status("heat over the partners",
                call([&](A &a, I &, R &) { a.heat = reinterpret_cast<float *>(regions.partner.data()); }), ACM_OVERLAP);
  check::status("flags over the mixed", call([&](A &a, I &, R &) { a.non_finite = regions.mixed.data(); }),
                ACM_OVERLAP);
  check::status("spoiled over the output", call([&](A &a, I &o, R &) { a.spoiled = static_cast<U8 *>(o.pixels) + 3; }),
                ACM_OVERLAP);
  check::status("regions", acm_attend_mix(&maps.attention, &in.images, &in.images, &out.images, nullptr, nullptr),
                ACM_NULL_POINTER);
  check::status("source", acm_attend_mix(&maps.attention, nullptr, &in.images, &out.images, &regions.regions, nullptr),
                ACM_NULL_POINTER);
  check::status("grid", call([](A &a, I &, R &r) { a.grid = r.grid = 33; }), ACM_TOO_LARGE);
  check::status("grid above the height", call([](A &a, I &, R &r) {
                  a.grid = r.grid = 9;
                  a.cells = nullptr;
                  a.ranks = nullptr;
                  a.heat = nullptr;
                  a.non_finite = nullptr;
                }),
                ACM_BAD_SIZE);
  check::status("count overflow", call([](A &a, I &, R &) { a.count = int64_t(1) << 40; }), ACM_TOO_LARGE);
  check::status("features misaligned",
                call([](A &a, I &, R &) { a.features = static_cast<const char *>(a.features) + 1; }), ACM_MISALIGNED);
  check::status("partner", call([](A &, I &, R &r) { r.partner = nullptr; }), ACM_NULL_POINTER);
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"attend_mix.shapes", shapes},
                    {"attend_mix.grids_and_patches", grids_and_patches},
                    {"attend_mix.one_large_image_in_slices", one_large_image_in_slices},
                    {"attend_mix.spoiled_images", spoiled_images},
                    {"attend_mix.as_two_launches", as_two_launches},
                    {"attend_mix.arguments", arguments}},
                   argc, argv);
}
