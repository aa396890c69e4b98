// From feature maps and images to mixed images in one launch; neither the heat map nor the mask touches memory.
//
// Fused, in this order: 1 reduce channels to heat, 2 rank, 3 select (attend.cuh), 4 copy pixels from image or partner,
// 5 normalise, round and lay out (mix.cuh). Minimal traffic: N·G²·C·t + N·H·W·3·(t + u) bytes. An image is shared by several
// blocks only where there are too few images to fill the card; each of them then finds the mask again, from the
// second-level cache.
#include "mix.cuh"

namespace acm {
// dynamic shared bytes: 11944
template <int kFrom>
__global__ void __launch_bounds__(512, 1) attend_mix_kernel(acm_attention attention, acm_images source,
                                                            acm_images background, acm_images out, acm_regions regions,
                                                            Normalisation normalisation, int slices) {
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
  int processors = 0;
  status = multiprocessors(&processors);
  if (status != ACM_OK) return status;
  const int slices = slices_of(*out, 512, processors, 16);
  if (out->count * slices > 0x7fffffff) return ACM_TOO_LARGE;
  const int from = same_form(*source, *out) ? 0 : size_of(source->type);
  return launch(from == 0   ? attend_mix_kernel<0>
                : from == 1 ? attend_mix_kernel<1>
                : from == 2 ? attend_mix_kernel<2>
                            : attend_mix_kernel<4>,
                dim3(static_cast<unsigned>(out->count * slices)), 512, sizeof(AttendShared) + sizeof(MixShared), stream,
                *attention, *source, *background, *out, *regions, normalisation, slices);
}
