// acm_source_weights against counting pixels one by one.
#include "mixing.h"

namespace {
void run(const std::string &name, const Batch &canvas, const Regions &regions, bool nominal) {
  const int n = regions.n;
  check::Buffer<int64_t> pixels(n);
  check::Buffer<float> weights(n);
  check::orders([&](const std::string &order) {
    check::status(
        name, acm_source_weights(&canvas.images, &regions.regions, nominal, pixels.data(), weights.data(), nullptr));
    for (int i = 0; i < n; i++) {
      int64_t taken = 0;
      const int h = canvas.h[size_t(i)], w = canvas.w[size_t(i)];
      for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) taken += regions.source(i, y, x, h, w);
      }
      int selected = 0;
      for (int c = 0; c < regions.grid * regions.grid; c++) selected += regions.cell(i, c);
      const bool cells = nominal && regions.mixed[i] && regions.regions.boxes == nullptr;
      const float weight =
          cells ? float(double(selected) / (regions.grid * regions.grid)) : float(double(taken) / (double(h) * w));
      check::truth(name + order + " pixels of image " + std::to_string(i), pixels[i] == taken);
      check::truth(name + order + " weight of image " + std::to_string(i), weights[i] == weight);
    }
  });
}
void cells() {
  for (int grid : {1, 7, 9, 32}) {
    Batch canvas({32, 61, 115, 40, 224, 33, 230}, {32, 33, 224, 61, 32, 115, 237}, ACM_UINT8, ACM_NHWC);
    Regions regions(7, grid);
    for (int i = 1; i < 7; i++) regions.select(i, i / 6.0);
    run("source_weights grid " + std::to_string(grid), canvas, regions, false);
    run("source_weights nominal grid " + std::to_string(grid), canvas, regions, true);
  }
}
void boxes() {
  Batch canvas = one_size(4, 33, 40, ACM_UINT8, ACM_NHWC);
  Regions regions(4, 7);
  const int box[4][4] = {{0, 0, 40, 33}, {5, 6, 5, 20}, {1, 2, 30, 17}, {39, 32, 40, 33}};
  for (int i = 0; i < 16; i++) regions.boxes[i] = box[i / 4][i % 4];
  regions.regions.boxes = regions.boxes.data();
  run("source_weights boxes", canvas, regions, true);
}
void arguments() {
  Batch canvas = one_size(2, 8, 9, ACM_UINT8, ACM_NHWC);
  Regions regions(2, 7);
  check::Buffer<float> weights(2);
  check::Buffer<int64_t> pixels(2);
  acm_images small = canvas.images;
  small.height = 6;
  acm_regions none = regions.regions;
  none.cells = nullptr;
  check::status("null", acm_source_weights(nullptr, &regions.regions, 0, nullptr, weights.data(), nullptr),
                ACM_NULL_POINTER);
  check::status("regions", acm_source_weights(&canvas.images, nullptr, 0, nullptr, weights.data(), nullptr),
                ACM_NULL_POINTER);
  check::status("weights", acm_source_weights(&canvas.images, &regions.regions, 0, nullptr, nullptr, nullptr),
                ACM_NULL_POINTER);
  check::status("cells", acm_source_weights(&canvas.images, &none, 0, nullptr, weights.data(), nullptr),
                ACM_NULL_POINTER);
  check::status("height", acm_source_weights(&small, &regions.regions, 0, nullptr, weights.data(), nullptr),
                ACM_BAD_SIZE);
  check::status("overlap",
                acm_source_weights(&canvas.images, &regions.regions, 0, pixels.data(),
                                   reinterpret_cast<float *>(pixels.data()), nullptr),
                ACM_OVERLAP);
  acm_regions tooFine = regions.regions, noGrid = regions.regions, boxed = regions.regions;
  tooFine.grid = 33;
  noGrid.grid = 0;
  boxed.boxes = regions.boxes.data();
  acm_images negative = canvas.images, many = canvas.images;
  negative.count = -1;
  many.count = int64_t(1) << 40;
  auto weigh = [&](const acm_images &c, const acm_regions &r, int64_t *p, void *w) {
    return acm_source_weights(&c, &r, 0, p, static_cast<float *>(w), nullptr);
  };
  check::status("grid 33", weigh(canvas.images, tooFine, nullptr, weights.data()), ACM_TOO_LARGE);
  check::status("grid 0", weigh(canvas.images, noGrid, nullptr, weights.data()), ACM_BAD_SIZE);
  check::status("count", weigh(negative, regions.regions, nullptr, weights.data()), ACM_BAD_SIZE);
  check::status("count overflow", weigh(many, regions.regions, nullptr, weights.data()), ACM_TOO_LARGE);
  check::status("pixels misaligned",
                weigh(canvas.images, regions.regions,
                      reinterpret_cast<int64_t *>(reinterpret_cast<char *>(pixels.data()) + 4), weights.data()),
                ACM_MISALIGNED);
  check::status("over the cells", weigh(canvas.images, regions.regions, nullptr, regions.cells.data()), ACM_OVERLAP);
  check::status("over the boxes", weigh(canvas.images, boxed, nullptr, regions.boxes.data()), ACM_OVERLAP);
  check::status("over the flags",
                weigh(canvas.images, regions.regions, nullptr,
                      reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(regions.mixed.data()) / 4 * 4)),
                ACM_OVERLAP);
  check::status("misaligned",
                acm_source_weights(&canvas.images, &regions.regions, 0, nullptr,
                                   reinterpret_cast<float *>(reinterpret_cast<char *>(weights.data()) + 1), nullptr),
                ACM_MISALIGNED);
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests(
      {{"source_weights.cells", cells}, {"source_weights.boxes", boxes}, {"source_weights.arguments", arguments}}, argc,
      argv);
}
