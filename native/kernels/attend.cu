// Attention: channel reduction, ranking and selection, one block per image; the heat map stays in shared memory.
//
// Fused, in this order: 1 reduce C channels to one heat value per cell, a warp per cell, 2 rank the cells by counting,
// 3 select the k hottest, 4 note values that are not finite. Minimal traffic: N·G²·C·t bytes read, N·(words·8 + 1)
// written.
#include "attend.cuh"

namespace acm {
// dynamic shared bytes: 8448
__global__ void __launch_bounds__(512, 2) attend_kernel(acm_attention attention) {
  ACM_DYNAMIC_SHARED(shared);
  attend_image(attention, blockIdx.x, *reinterpret_cast<AttendShared *>(shared), 512, true);
}
static_assert(sizeof(AttendShared) == 8448, "the figure above the kernel");
}  // namespace acm

extern "C" int acm_attend(const acm_attention *attention, acm_stream stream) {
  using namespace acm;
  const int status = check_attention(attention, true);
  if (status != ACM_OK || attention->count == 0) return status;
  return launch(attend_kernel, dim3(static_cast<unsigned>(attention->count)), 512, sizeof(AttendShared), stream,
                *attention);
}
