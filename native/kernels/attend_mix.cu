// From feature maps and images to mixed images in one launch; neither the heat map nor the mask touches memory.
//
// Fused, in this order: 1 reduce channels to heat, 2 rank, 3 select (attend.cuh), 4 copy pixels from image or partner,
// 5 normalise, round and lay out (mix.cuh). Minimal traffic: N·G²·C·t + N·H·W·3·(t + u) bytes.
//
// Where there are too few images to fill the card, up to 16 blocks share one, each on its own multiprocessor, and each
// finds the mask again: N·G²·C·t bytes come from memory once and up to 16 times from the second-level cache. That costs
// no time when N is small. On an H100 a multiprocessor reads about 64 bytes per clock, 110 GB/s, so a map of 49·2048
// halves, 200 KB, takes 1.8 µs in every block at once, and as long in the one block of a launch of its own, after which
// a second launch begins 2 µs or more later. What is shared, 300 KB of pixels in and out at 224×224 uint8, falls from
// 2.7 µs to 0.2. All 132 blocks together read 26 MB, at most, which the cache's 5.5 TB/s gives in 4.8 µs; that bounds
// the loss in the middle, at N = 8. (Calculated, not measured; acm_attend and acm_mix are the other form.)
#include "mix.cuh"

namespace acm {
// dynamic shared bytes: 11944
template <int kFrom>
__global__ void __launch_bounds__(512, 1)
    attend_mix_kernel(acm_attention attention, acm_images source, acm_images background, acm_images out,
                      acm_regions regions, Normalisation normalisation, int slices) {
  ACM_DYNAMIC_SHARED(shared);
  AttendShared &a = *reinterpret_cast<AttendShared *>(shared);
  MixShared &m = *reinterpret_cast<MixShared *>(shared + sizeof(AttendShared));
  const int64_t image = blockIdx.x / slices;
  const int slice = static_cast<int>(blockIdx.x % slices);
  attend_image(attention, image, a, 512, slice == 0);
  if (threadIdx.x < kMostCells / 32) m.region.cells[threadIdx.x] = a.cells[threadIdx.x];
  mix_image<kFrom>(source, background, out, regions, normalisation, image, m, 512, slice * 512 + threadIdx.x,
                   static_cast<int64_t>(slices) * 512);
}
static_assert(sizeof(AttendShared) + sizeof(MixShared) == 11944, "the figure above the kernel");
}  // namespace acm

extern "C" int acm_attend_mix(const acm_attention *attention, const acm_images *source, const acm_images *background,
                              const acm_images *out, const acm_regions *regions, acm_stream stream) {
  using namespace acm;
  int status = check_attention(attention, false);
  if (status != ACM_OK) return status;
  Normalisation normalisation;
  status = check_mix(source, background, out, regions, false, &normalisation);
  if (status != ACM_OK) return status;
  if (attention->count != out->count || attention->grid != regions->grid) return ACM_BAD_SIZE;
  if (regions->boxes != nullptr) return ACM_UNSUPPORTED;
  if (out->count == 0) return ACM_OK;
  const int64_t n = out->count, cells = attention->grid * attention->grid, masks = n * mask_words(attention->grid) * 8;
  const Range written[] = {{attention->cells, masks},
                           {attention->non_finite, n},
                           {attention->ranks, n * cells * 4},
                           {attention->heat, n * cells * 4}};
  for (const Range &r : written) {
    if (range_overlaps(*source, r.start, r.bytes) || range_overlaps(*background, r.start, r.bytes) ||
        range_overlaps(*out, r.start, r.bytes) ||
        any_overlap({{regions->partner, n * 4}, {regions->mixed, n}}, {{r.start, r.bytes}})) {
      return ACM_OVERLAP;
    }
  }
  const bool byClass = attention->reduction == ACM_CLASS;
  if (range_overlaps(*out, attention->features, n * cells * attention->channels * size_of(attention->type)) ||
      range_overlaps(*out, attention->patches, n * 4) || range_overlaps(*out, attention->spoiled, n) ||
      (byClass && (range_overlaps(*out, attention->labels, n * 4) ||
                   range_overlaps(*out, attention->classifier, attention->classes * attention->channels * 4)))) {
    return ACM_OVERLAP;
  }
  int processors = 0;
  status = multiprocessors(&processors);
  if (status != ACM_OK) return status;
  // Rounded down: blocks that share an image each have a multiprocessor, and none waits for a second turn.
  const int64_t share = processors / n;
  const int slices = slices_of(*out, 512, processors, share < 1 ? 1 : share > 16 ? 16 : share);
  if (out->count * slices > 0x7fffffff) return ACM_TOO_LARGE;
  const int from = same_form(*source, *out) ? 0 : size_of(source->type);
  return launch(from == 0   ? attend_mix_kernel<0>
                : from == 1 ? attend_mix_kernel<1>
                : from == 2 ? attend_mix_kernel<2>
                            : attend_mix_kernel<4>,
                dim3(static_cast<unsigned>(out->count * slices)), 512, sizeof(AttendShared) + sizeof(MixShared), stream,
                *attention, *source, *background, *out, *regions, normalisation, slices);
}
