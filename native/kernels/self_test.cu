// One warp through every inline-PTX wrapper, with inputs that show where each value went: on a GPU the words must be
// those that the CPU build gives, whose lane maps are tested against the PTX ISA's tables.
#include "launch.cuh"

namespace acm {
// dynamic shared bytes: 1024
__global__ void __launch_bounds__(32, 1) self_test_kernel(uint32_t *results) {
  ACM_DYNAMIC_SHARED(shared);
  const int lane = threadIdx.x;
  uint32_t *words = reinterpret_cast<uint32_t *>(shared);
  ACM_UNROLL
  for (int i = 0; i < 4; i++) words[lane * 4 + i] = 0x10000u * (lane * 8 + 2 * i + 1) + lane * 8 + 2 * i;
  __syncwarp();
  uint32_t *own = results + lane * 20;
  uint32_t r[4];
  ldmatrix_x4(r, shared + lane * 16);
  ACM_UNROLL
  for (int i = 0; i < 4; i++) own[i] = r[i];
  // A = small integers by lane and place, exact in both types; every product and sum is exact.
  uint32_t a[4], b[4];
  float c[4], d[4];
  ACM_UNROLL
  for (int i = 0; i < 4; i++) {
    const float low = static_cast<float>((lane * 5 + i * 3) % 7) - 3.f,
                high = static_cast<float>((lane * 3 + i * 5) % 5) - 2.f;
    a[i] = float_to_half(low) | static_cast<uint32_t>(float_to_half(high)) << 16;
    b[i] = float_to_brain(low) | static_cast<uint32_t>(float_to_brain(high)) << 16;
    c[i] = d[i] = static_cast<float>(lane * 4 + i);
  }
  mma_f16(c, a, a[1], a[2]);
  mma_bf16(d, b, b[1], b[2]);
  ACM_UNROLL
  for (int i = 0; i < 4; i++) {
    own[4 + i] = __float_as_uint(c[i]);
    own[8 + i] = __float_as_uint(d[i]);
  }
  // Odd lanes ask for zeros. The source is this warp's own output, written above.
  __syncwarp();
  copy_async16(shared + 512 + lane * 16, own, lane % 2 == 0 ? 16 : 0);
  copy_async_commit();
  copy_async_wait<0>();
  const uint4 copied = load_shared16(shared + 512 + lane * 16);
  own[12] = copied.x;
  own[13] = copied.y;
  own[14] = copied.z;
  own[15] = copied.w;
  const float v = (static_cast<float>(lane) - 15.5f) * 1.0009765625f;
  own[16] = float_to_half(v);
  own[17] = float_to_brain(v);
  own[18] = __float_as_uint(half_to_float(static_cast<uint16_t>(lane * 2011)));
  own[19] = __vmaxu2(lane * 0x00010003u, 0x00100010u);
}
}  // namespace acm

extern "C" int acm_self_test(uint32_t *results, acm_stream stream) {
  using namespace acm;
  if (results == nullptr) return ACM_NULL_POINTER;
  if (!aligned(results, 16)) return ACM_MISALIGNED;
  return launch(self_test_kernel, dim3(1), 32, 1024, stream, results);
}
