// Mixed images from cells or boxes that are known: the second of the two launches, replay, baselines, and masks.
//
// Bound by memory: every output byte is written once, every byte taken is read once, N·H·W·3·(t + u) bytes. Where the output
// has the input's form, an image is one run of 16-byte vectors; a vector whose pixels are all of one kind is one load and
// one store, the few that straddle a cell's edge go byte by byte. Other forms move 16 pixels at a time through registers.
#include "mix.cuh"

namespace acm {
// dynamic shared bytes: 3464
template <bool kSame>
__global__ void __launch_bounds__(256, 2) mix_kernel(acm_images source, acm_images background, acm_images out,
                                                     acm_regions regions, Normalisation normalisation, int slices) {
  ACM_DYNAMIC_SHARED(shared);
  MixShared &s = *reinterpret_cast<MixShared *>(shared);
  const int64_t image = blockIdx.x / slices;
  const int slice = static_cast<int>(blockIdx.x % slices), words = mask_words(regions.grid);
  if (regions.cells != nullptr && threadIdx.x < static_cast<unsigned>(words)) {
    const uint64_t word = regions.cells[image * words + threadIdx.x];
    s.cells[2 * threadIdx.x] = static_cast<uint32_t>(word);
    s.cells[2 * threadIdx.x + 1] = static_cast<uint32_t>(word >> 32);
  }
  mix_image<kSame>(source, background, out, regions, normalisation, image, s, s.cells, 256, slice * 256 + threadIdx.x,
            static_cast<int64_t>(slices) * 256);
}
static_assert(sizeof(MixShared) == 3464, "the figure above the kernel");
}  // namespace acm

extern "C" int acm_mix(const acm_images *source, const acm_images *background, const acm_images *out,
                       const acm_regions *regions, acm_stream stream) {
  using namespace acm;
  Normalisation normalisation;
  int status = check_mix(source, background, out, regions, true, &normalisation);
  if (status != ACM_OK || out->count == 0) return status;
  int processors = 0;
  status = multiprocessors(&processors);
  if (status != ACM_OK) return status;
  const int slices = slices_of(*out, 256, processors * int64_t{16}, 0x7fffffff / out->count);
  return launch(same_form(*source, *out) ? mix_kernel<true> : mix_kernel<false>, dim3(static_cast<unsigned>(out->count * slices)), 256,
                sizeof(MixShared), stream, *source, *background, *out, *regions, normalisation, slices);
}
