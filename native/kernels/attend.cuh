// From one feature map to the mask of its k hottest cells, in shared memory, by one block.
#pragma once
#include "launch.cuh"

namespace acm {
constexpr int kMostGrid = 32, kMostCells = kMostGrid * kMostGrid;

struct AttendShared {
  float heat[kMostCells];
  uint32_t key[kMostCells];
  uint32_t cells[kMostCells / 32];      // the mask: bit c % 32 of word c / 32
  uint32_t nonFinite[kMostCells / 32];  // the same for values that are not finite
};

__host__ __device__ constexpr int mask_words(int grid) { return (grid * grid + 63) / 64; }

// Sorts, as unsigned, as the value does: 0 for NaN, one key for both zeros.
__device__ __forceinline__ uint32_t sort_key(float v) {
  if (v != v) return 0;
  const uint32_t bits = __float_as_uint(v + 0.f);
  return bits ^ ((bits >> 31 ? 0xffffffffu : 0u) | 0x80000000u);
}

__device__ __forceinline__ float accumulate(float sum, float v, float weight, int reduction) {
  switch (reduction) {
    case ACM_MAX: return sum != sum || sum >= v ? sum : v;  // v when it is greater or NaN
    case ACM_L2: return fmaf(v, v, sum);
    case ACM_CLASS: return fmaf(v, weight, sum);
    default: return sum + v;
  }
}

// Heat of one cell by one warp; every lane gets it. Lane l takes runs of V channels at l·V, l·V + 32·V, ...
template <typename T>
__device__ __forceinline__ float reduce_cell(const T *__restrict__ x, int64_t c, int reduction,
                                             const float *__restrict__ weights, bool vectors) {
  constexpr int V = Vector<T>::length;
  const int lane = threadIdx.x % 32;
  if (reduction == ACM_LAST) return to_float(x[c - 1]);
  float sum = reduction == ACM_MAX ? __uint_as_float(0xff800000u) : 0.f;
  if (vectors) {
#ifdef __CUDACC__
#pragma unroll 4
#endif
    for (int64_t at = lane * V; at < c; at += 32 * V) {
      Vector<T> v;
      v.raw = load16_streaming(x + at);
      ACM_UNROLL
      for (int i = 0; i < V; i++) {
        const float weight = reduction == ACM_CLASS ? __ldg(weights + at + i) : 0.f;
        sum = accumulate(sum, to_float(v.values[i]), weight, reduction);
      }
    }
  } else {
    for (int64_t at = lane; at < c; at += 32) {
      const float weight = reduction == ACM_CLASS ? __ldg(weights + at) : 0.f;
      sum = accumulate(sum, to_float(x[at]), weight, reduction);
    }
  }
  ACM_UNROLL
  for (int apart = 16; apart > 0; apart /= 2) {
    const float other = __shfl_xor_sync(0xffffffffu, sum, apart);
    sum = reduction == ACM_MAX ? accumulate(sum, other, 0.f, ACM_MAX) : sum + other;
  }
  if (reduction == ACM_MEAN) return sum / static_cast<float>(c);
  return reduction == ACM_L2 ? sqrtf(sum) : sum;
}

template <typename T>
__device__ __forceinline__ void reduce_cells(const acm_attention &a, int64_t image, float *heat, int threads) {
  const int cells = a.grid * a.grid;
  const T *x = static_cast<const T *>(a.features) + image * cells * a.channels;
  const float *weights = a.reduction == ACM_CLASS ? a.classifier + a.labels[image] * a.channels : nullptr;
  const bool vectors = a.channels % Vector<T>::length == 0 && reinterpret_cast<uintptr_t>(a.features) % 16 == 0;
  for (int cell = threadIdx.x / 32; cell < cells; cell += threads / 32) {
    const float value = reduce_cell(x + cell * a.channels, a.channels, a.reduction, weights, vectors);
    if (threadIdx.x % 32 == 0) heat[cell] = value;
  }
}

// The mask is in s.cells, for all threads, after it. `write`: whether this block writes what is asked for.
__device__ __forceinline__ void attend_image(const acm_attention &a, int64_t image, AttendShared &s, int threads,
                                             bool write) {
  const int cells = a.grid * a.grid, words = mask_words(a.grid);
  const int k = a.patches == nullptr ? a.k : a.patches[image];
  const int thread = threadIdx.x;
  if (thread < kMostCells / 32) {
    s.cells[thread] = 0;
    s.nonFinite[thread] = 0;
  }
  __syncthreads();
  if (k > 0) {
    if (a.spoiled != nullptr && a.spoiled[image] != 0) {
      for (int c = thread; c < cells; c += threads) s.heat[c] = __uint_as_float(0x7fc00000u);
    } else if (a.type == ACM_FLOAT16) {
      reduce_cells<Half>(a, image, s.heat, threads);
    } else if (a.type == ACM_BFLOAT16) {
      reduce_cells<Brain>(a, image, s.heat, threads);
    } else {
      reduce_cells<float>(a, image, s.heat, threads);
    }
    __syncthreads();
    for (int c = thread; c < cells; c += threads) s.key[c] = sort_key(s.heat[c]);
    __syncthreads();
    // Rank by counting: no sort, no divergence, and ties go to the lower index by themselves. Whole warps stay in the
    // loop for the ballots.
    for (int c = thread; c < (cells + 31) / 32 * 32; c += threads) {
      int rank = 0;
      bool finite = true;
      if (c < cells) {
        const uint32_t own = s.key[c];
        for (int other = 0; other < cells; other++) {
          const uint32_t key = s.key[other];
          rank += key > own || (key == own && other < c);
        }
        const float value = s.heat[c];
        finite = value - value == 0.f;
        if (write && a.ranks != nullptr) a.ranks[image * cells + c] = rank;
        if (write && a.heat != nullptr) a.heat[image * cells + c] = value;
      }
      const uint32_t selected = __ballot_sync(0xffffffffu, c < cells && rank < k);
      const uint32_t nonFinite = __ballot_sync(0xffffffffu, !finite);
      if (c % 32 == 0) {
        s.cells[c / 32] = selected;
        s.nonFinite[c / 32] = nonFinite;
      }
    }
    __syncthreads();
  }
  if (!write) return;
  if (a.cells != nullptr && thread < words) {
    a.cells[image * words + thread] = s.cells[2 * thread] | static_cast<uint64_t>(s.cells[2 * thread + 1]) << 32;
  }
  if (a.non_finite != nullptr && thread == 0) {
    uint32_t any = 0;
    for (int w = 0; w < kMostCells / 32; w++) any |= s.nonFinite[w];
    a.non_finite[image] = any != 0;
  }
}

inline int check_attention(const acm_attention *a, bool needsCells) {
  if (a == nullptr) return ACM_NULL_POINTER;
  if (!float_type(a->type) || a->reduction < ACM_MEAN || a->reduction > ACM_CLASS) return ACM_BAD_VALUE;
  if (a->grid < 1 || a->count < 0 || a->channels < 1) return ACM_BAD_SIZE;
  if (a->grid > kMostGrid || a->count > 0x7fffffff) return ACM_TOO_LARGE;
  const int64_t cells = a->grid * a->grid;
  if (a->patches == nullptr && (a->k < 0 || a->k > cells)) return ACM_BAD_VALUE;
  const int64_t bytes = product(product(a->count, cells), product(a->channels, size_of(a->type)));
  if (bytes < 0) return ACM_TOO_LARGE;
  if (a->reduction == ACM_CLASS) {
    if (a->classes < 1) return ACM_BAD_SIZE;
    if (product(a->classes, product(a->channels, 4)) < 0) return ACM_TOO_LARGE;
  }
  if (a->count == 0) return ACM_OK;
  if (a->features == nullptr || (needsCells && a->cells == nullptr)) return ACM_NULL_POINTER;
  if (a->reduction == ACM_CLASS && (a->classifier == nullptr || a->labels == nullptr)) return ACM_NULL_POINTER;
  if (!aligned(a->features, size_of(a->type)) || !aligned(a->cells, 8) || !aligned(a->ranks, 4) ||
      !aligned(a->heat, 4)) {
    return ACM_MISALIGNED;
  }
  if (!aligned(a->patches, 4)) return ACM_MISALIGNED;
  const bool byClass = a->reduction == ACM_CLASS;
  if (byClass && (!aligned(a->classifier, 4) || !aligned(a->labels, 4))) return ACM_MISALIGNED;
  const int64_t maps = a->count * cells * 4, masks = a->count * mask_words(a->grid) * 8;
  const bool shared = any_overlap({{a->features, bytes},
                                   {a->patches, a->count * 4},
                                   {a->spoiled, a->count},
                                   {byClass ? a->classifier : nullptr, byClass ? a->classes * a->channels * 4 : 0},
                                   {byClass ? a->labels : nullptr, a->count * 4}},
                                  {{a->cells, masks}, {a->non_finite, a->count}, {a->ranks, maps}, {a->heat, maps}});
  return shared ? ACM_OVERLAP : ACM_OK;
}
}  // namespace acm
