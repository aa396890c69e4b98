// Image i's share of the label, from its mask or its box: exact counts, one thread per image.
//
// A few hundred bytes per image; the launch costs more than the work.
#include "attend.cuh"
#include "images.cuh"

namespace acm {
// dynamic shared bytes: 0
__global__ void __launch_bounds__(128, 4)
    source_weights_kernel(acm_images canvas, acm_regions regions, int nominal, int64_t *pixels, float *weights) {
  const int64_t image = int64_t(blockIdx.x) * 128 + threadIdx.x;
  if (image >= canvas.count) return;
  const Size size = size_at(canvas, image);
  const int64_t area = static_cast<int64_t>(size.h) * size.w;
  const int grid = regions.grid, words = mask_words(grid);
  int64_t taken = 0, selected = 0;
  const bool mixed = regions.mixed == nullptr || regions.mixed[image] != 0;
  if (!mixed) {
    taken = area;
  } else if (regions.boxes != nullptr) {
    const int32_t *box = regions.boxes + 4 * image;
    if (box[2] > box[0] && box[3] > box[1]) taken = static_cast<int64_t>(box[2] - box[0]) * (box[3] - box[1]);
  } else {
    const uint64_t *mask = regions.cells + image * words;
    for (int r = 0, cell = 0; r < grid; r++) {
      int64_t columns = 0;
      for (int c = 0; c < grid; c++, cell++) {
        if (mask[cell >> 6] >> (cell & 63) & 1) {
          columns += static_cast<int64_t>(c + 1) * size.w / grid - static_cast<int64_t>(c) * size.w / grid;
          selected++;
        }
      }
      taken += columns * (static_cast<int64_t>(r + 1) * size.h / grid - static_cast<int64_t>(r) * size.h / grid);
    }
  }
  if (pixels != nullptr) pixels[image] = taken;
  // Through double: below 2^29 a quotient rounds to the same float either way.
  const bool cells = mixed && nominal != 0 && regions.boxes == nullptr;
  weights[image] = static_cast<float>(cells ? static_cast<double>(selected) / (grid * grid)
                                            : static_cast<double>(taken) / static_cast<double>(area));
}
}  // namespace acm

extern "C" int acm_source_weights(const acm_images *canvas, const acm_regions *regions, int32_t nominal,
                                  int64_t *pixels, float *weights, acm_stream stream) {
  using namespace acm;
  const int status = check_images(canvas, false);
  if (status != ACM_OK) return status;
  if (regions == nullptr) return ACM_NULL_POINTER;
  if (regions->grid < 1) return ACM_BAD_SIZE;
  if (regions->grid > kMostGrid) return ACM_TOO_LARGE;
  if (canvas->sizes == nullptr && (canvas->height < regions->grid || canvas->width < regions->grid))
    return ACM_BAD_SIZE;
  if (canvas->count == 0) return ACM_OK;
  if (weights == nullptr || (regions->cells == nullptr && regions->boxes == nullptr)) return ACM_NULL_POINTER;
  if (!aligned(weights, 4) || !aligned(pixels, 8) || !aligned(regions->cells, 8) || !aligned(regions->boxes, 4)) {
    return ACM_MISALIGNED;
  }
  const int64_t n = canvas->count;
  if (any_overlap({{regions->cells, n * mask_words(regions->grid) * 8},
                   {regions->boxes, n * 16},
                   {regions->mixed, n},
                   {canvas->sizes, n * 8}},
                  {{pixels, n * 8}, {weights, n * 4}})) {
    return ACM_OVERLAP;
  }
  return launch(source_weights_kernel, dim3(static_cast<unsigned>((n + 127) / 128)), 128, 0, stream, *canvas, *regions,
                nominal, pixels, weights);
}
