// The instructions that kernels use beyond plain CUDA C++, each a wrapper of one line of PTX. When the kernels are
// compiled for the CPU, test/emu/tensor_emu.h has functions of the same names in their place.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

#ifdef __CUDACC__
#define ACM_DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]
#define ACM_UNROLL _Pragma("unroll")
#define ACM_NO_UNROLL _Pragma("unroll 1")

namespace acm {
__device__ __forceinline__ uint32_t shared_address(const void *p) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(p));
}

// C += A·B on one warp: A 16×16 row-major, B 16×8 column-major, C 16×8; fragments as in the PTX ISA (mma.m16n8k16).
__device__ __forceinline__ void mma_f16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void mma_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four 8×8 matrices of 16-bit values: lane l gives the address of row l%8 of matrix l/8, 16 bytes, aligned.
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], const void *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3},[%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

// 16 aligned bytes of shared memory; called by whole warps, so that the emulator can count bank conflicts.
__device__ __forceinline__ uint4 load_shared16(const void *p) { return *static_cast<const uint4 *>(p); }
__device__ __forceinline__ void store_shared16(void *p, uint4 v) { *static_cast<uint4 *>(p) = v; }

// Copies `bytes` (0 or 16) to shared memory behind the thread's back and zeroes the rest of the 16.
__device__ __forceinline__ void copy_async16(void *shared, const void *global, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0],[%1],16,%2;" ::"r"(shared_address(shared)), "l"(global), "r"(bytes)
               : "memory");
}
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits for all but the newest `pending` groups of this thread; other threads need a barrier after it.
template <int pending> __device__ __forceinline__ void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

__device__ __forceinline__ float half_to_float(uint16_t h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
}
__device__ __forceinline__ uint16_t float_to_half(float f) {
  uint16_t h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}
__device__ __forceinline__ uint16_t float_to_brain(float f) {
  uint16_t h;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}

// Hides a value from the compiler, so that what is computed from it inside a loop is not kept in registers outside it.
__device__ __forceinline__ int64_t opaque(int64_t v) {
  asm volatile("" : "+l"(v));
  return v;
}

__device__ __forceinline__ uint4 load16(const void *p) { return __ldg(static_cast<const uint4 *>(p)); }
// For data that is read once: leaves the first-level cache to what is read again.
__device__ __forceinline__ uint4 load16_streaming(const void *p) {
  uint4 v;
  asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3},[%4];"
               : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
               : "l"(p));
  return v;
}
__device__ __forceinline__ void store16(void *p, uint4 v) { *static_cast<uint4 *>(p) = v; }
// Sets a byte that many threads may set, all to the same value.
__device__ __forceinline__ void raise_flag(uint8_t *p) { *p = 1; }
}  // namespace acm
#else
#define ACM_UNROLL
#define ACM_NO_UNROLL
#endif
