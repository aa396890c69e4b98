// Mixed images from cells or boxes that are known: the second of the two launches, replay, baselines, and masks.
//
// Bound by memory: every output byte is written once, every byte taken is read once, N·H·W·3·(t + u) bytes. Where the
// output has the input's form, an image is one run of 16-byte vectors that are aligned in the output; one that
// straddles a cell's edge takes both images' bytes and blends them. Other forms move 16 or 8 pixels at a time through
// registers.
//
// Loads on their way hide the memory's latency, not threads: an H100 needs about 3.35 TB/s·0.6 µs/132 = 15 KB per
// multiprocessor. The copy has 64 bytes per thread and 1024 threads, 64 KB; a conversion from uint8 48 bytes and 768
// threads, 36 KB; from float 96 bytes and 512 threads, 48 KB, at an occupancy of 25 %.
#include "mix.cuh"

namespace acm {
// The block's part of its image; `slices` blocks share one.
template <int kFrom>
__device__ __forceinline__ void mix_slice(const acm_images &source, const acm_images &background, const acm_images &out,
                                          const acm_regions &regions, const Normalisation &normalisation, int slices,
                                          MixShared &s) {
  const int64_t image = blockIdx.x / slices;
  const int slice = static_cast<int>(blockIdx.x % slices), words = mask_words(regions.grid);
  if (regions.cells != nullptr && threadIdx.x < static_cast<unsigned>(words)) {
    const uint64_t word = regions.cells[image * words + threadIdx.x];
    s.region.cells[2 * threadIdx.x] = static_cast<uint32_t>(word);
    s.region.cells[2 * threadIdx.x + 1] = static_cast<uint32_t>(word >> 32);
  }
  mix_image<kFrom>(source, background, out, regions, normalisation, image, s, 256, slice * 256 + threadIdx.x,
                   static_cast<int64_t>(slices) * 256);
}

// dynamic shared bytes: 3496
__global__ void __launch_bounds__(256, 4)
    mix_copy_kernel(acm_images source, acm_images background, acm_images out, acm_regions regions, int slices) {
  ACM_DYNAMIC_SHARED(shared);
  mix_slice<0>(source, background, out, regions, Normalisation(), slices, *reinterpret_cast<MixShared *>(shared));
}
// dynamic shared bytes: 3496
template <int kFrom>
__global__ void __launch_bounds__(256, 2) mix_kernel(acm_images source, acm_images background, acm_images out,
                                                     acm_regions regions, Normalisation normalisation, int slices) {
  ACM_DYNAMIC_SHARED(shared);
  mix_slice<kFrom>(source, background, out, regions, normalisation, slices, *reinterpret_cast<MixShared *>(shared));
}
static_assert(sizeof(MixShared) == 3496, "the figure above the kernels");
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
  const dim3 grid(static_cast<unsigned>(out->count * slices));
  if (same_form(*source, *out)) {
    return launch(mix_copy_kernel, grid, 256, sizeof(MixShared), stream, *source, *background, *out, *regions, slices);
  }
  const int from = size_of(source->type);
  return launch(from == 1   ? mix_kernel<1>
                : from == 2 ? mix_kernel<2>
                            : mix_kernel<4>,
                grid, 256, sizeof(MixShared), stream, *source, *background, *out, *regions, normalisation, slices);
}
