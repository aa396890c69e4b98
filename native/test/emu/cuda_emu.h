// Runs CUDA kernels on the CPU. Each thread of a block is a fiber; blocks run one after the other on the calling
// thread.
//
// A warp runs until it can't go on, warps in forward, reverse or random order: a missing barrier between two warps
// shows in forward or in reverse order, and ThreadSanitizer names it in any order, because fibers are told to it as
// threads that only barriers synchronise. Shared memory starts as 0xFF bytes (NaN, -1) and is allocated exactly, so
// that AddressSanitizer sees a read or write past its end. x86-64 only.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <type_traits>
#include <vector>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

// The emulator's own state is not checked for races.
#define EMU_INTERNAL __attribute__((noinline, no_sanitize("thread")))

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#ifndef __restrict__
#define __restrict__ __restrict
#endif

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct uint3 {
  unsigned x, y, z;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }

// Saves the callee-saved registers on the running stack and continues on the other one.
extern "C" void emu_switch(void **save, void *to);
#if defined(__x86_64__)
asm(".text\n.weak emu_switch\n.type emu_switch,@function\nemu_switch:\n"
    "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
    "mov %rsp,(%rdi)\nmov %rsi,%rsp\n"
    "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\nret\n.size emu_switch,.-emu_switch\n");
#else
#error "the emulator switches stacks in x86-64 assembly"
#endif

namespace emu {
enum class Order { Forward, Reverse, Random };
struct Options {
  Order order = Order::Forward;
  unsigned seed = 1;
  size_t stack = 128 << 10;
};
inline Options options;

// What the memory system would have had to do; see tensor_emu.h.
struct Counters {
  long mma = 0, ldmatrix = 0, ldmatrixConflicts = 0, shared16 = 0, shared16Conflicts = 0, asyncCopies = 0;
};
inline Counters counters;

struct Barrier {
  uint64_t generation = 0;
  int arrived = 0;
  const char *op = "";
  // What TSan synchronises on, in turn: a thread that is slow to leave must not seem to have seen what others did
  // after.
  char sync[2] = {};
};
struct WarpBarrier {  // one for each mask in use
  uint32_t mask = 0;
  Barrier barrier;
  uint64_t slot[2][32][3] = {};  // two sets of operands: no second wait is needed
};
struct Warp {
  WarpBarrier barriers[8];
  int used = 0;
};
struct AsyncCopy {
  unsigned char *to;
  const unsigned char *from;
  int bytes, zeros;
};
struct Fiber {
  void *sp = nullptr;
  uint3 tid = {};
  int rank = 0;
  bool done = false;
  Barrier *wait = nullptr;
  uint64_t waitGeneration = 0;
  const char *where = "";
  unsigned ops[8] = {};  // warp operations done so far, by mask
  std::vector<AsyncCopy> open;
  std::vector<std::vector<AsyncCopy>> groups;
  std::unique_ptr<char[]> stack;
  void *fakeStack = nullptr;
  void *tsan = nullptr;
};
struct Block {
  std::vector<Fiber> fibers;
  Barrier all;
  int live = 0;
  std::vector<Warp> warps;
  std::function<void()> body;
  void *main = nullptr;
  void *mainFakeStack = nullptr;
  const void *mainBottom = nullptr;
  size_t mainSize = 0;
  void *mainTsan = nullptr;
  unsigned char *shared = nullptr;
  size_t sharedBytes = 0;
};
inline Block *block = nullptr;
inline Fiber *self = nullptr;
EMU_INTERNAL inline Fiber &current() { return *self; }
}  // namespace emu

inline uint3 blockIdx;
inline dim3 blockDim, gridDim;
#define threadIdx (emu::current().tid)

namespace emu {
[[noreturn]] inline void die(const std::string &message) {
  fprintf(stderr, "cuda_emu: %s (block %u,%u,%u)\n", message.c_str(), blockIdx.x, blockIdx.y, blockIdx.z);
  abort();
}

EMU_INTERNAL inline void toMain(bool last) {
  Fiber *f = self;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(last ? nullptr : &f->fakeStack, block->mainBottom, block->mainSize);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(block->mainTsan, __tsan_switch_to_fiber_no_sync);
#endif
  emu_switch(&f->sp, block->main);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(f->fakeStack, &block->mainBottom, &block->mainSize);
#endif
  (void)last;
}

EMU_INTERNAL inline void entry() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &block->mainBottom, &block->mainSize);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(block);
#endif
  block->body();
  if (!self->open.empty() || !self->groups.empty()) die("a thread ends with copies that it never waited for");
#if defined(__SANITIZE_THREAD__)
  __tsan_release(block);
#endif
  self->done = true;
  toMain(true);
  abort();
}

EMU_INTERNAL inline void resume(Fiber &f) {
  self = &f;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&block->mainFakeStack, f.stack.get(), options.stack);
#endif
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(f.tsan, __tsan_switch_to_fiber_no_sync);
#endif
  emu_switch(&block->main, f.sp);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(block->mainFakeStack, nullptr, nullptr);
#endif
  self = nullptr;
}

// Waits until n threads are at the barrier; the last one opens it. Only a barrier that orders memory tells TSan so.
EMU_INTERNAL inline void arrive(Barrier &b, int n, const char *op, bool orders) {
#if defined(__SANITIZE_THREAD__)
  char *const sync = &b.sync[b.generation & 1];
  if (orders) __tsan_release(sync);
#endif
  if (b.arrived == 0) {
    b.op = op;
  } else if (strcmp(b.op, op) != 0) {
    die(std::string("threads meet in different operations: ") + b.op + " and " + op);
  }
  if (++b.arrived == n) {
    b.arrived = 0;
    b.generation++;
  } else {
    self->wait = &b;
    self->waitGeneration = b.generation;
    self->where = op;
    toMain(false);
    self->wait = nullptr;
  }
#if defined(__SANITIZE_THREAD__)
  if (orders) __tsan_acquire(sync);
#endif
  (void)orders;
}

struct Spare {
  std::unique_ptr<char[]> stack;
  void *tsan = nullptr;
};
inline std::vector<Spare> pool;
inline Spare take() {
  Spare s;
  if (!pool.empty()) {
    s = std::move(pool.back());
    pool.pop_back();
    return s;
  }
  s.stack.reset(new char[options.stack]);
#if defined(__SANITIZE_THREAD__)
  s.tsan = __tsan_create_fiber(0);
#endif
  return s;
}

EMU_INTERNAL inline void runBlock(const dim3 &bd, size_t sharedBytes, const std::function<void()> &body) {
  Block blk;
  block = &blk;
  const int n = int(bd.x * bd.y * bd.z);
  blk.body = body;
  blk.live = n;
  blk.fibers.resize(n);
  blk.warps.resize((n + 31) / 32);
  // On 128 bytes, and its last byte is the allocation's last.
  std::unique_ptr<unsigned char, void (*)(void *)> shared(
      static_cast<unsigned char *>(std::aligned_alloc(128, (sharedBytes + 127) / 128 * 128 + 128)), std::free);
  blk.shared = shared.get();
  blk.sharedBytes = sharedBytes;
  memset(blk.shared, 0xFF, sharedBytes);
#if defined(__SANITIZE_ADDRESS__)
  const size_t slack = (sharedBytes + 127) / 128 * 128 + 128 - sharedBytes;
  ASAN_POISON_MEMORY_REGION(blk.shared + sharedBytes, slack);
#endif
#if defined(__SANITIZE_THREAD__)
  blk.mainTsan = __tsan_get_current_fiber();
#endif
  for (int i = 0; i < n; i++) {
    Fiber &f = blk.fibers[i];
    f.rank = i;
    f.tid = {i % bd.x, i / bd.x % bd.y, i / (bd.x * bd.y)};
    Spare spare = take();
    f.stack = std::move(spare.stack);
    f.tsan = spare.tsan;
    void **sp =
        reinterpret_cast<void **>((reinterpret_cast<uintptr_t>(f.stack.get()) + options.stack) & ~uintptr_t(15));
    *--sp = nullptr;                           // entry() never returns
    *--sp = reinterpret_cast<void *>(&entry);  // popped by ret
    sp -= 6;                                   // callee-saved registers
    memset(sp, 0, 6 * sizeof *sp);
    f.sp = sp;
  }
#if defined(__SANITIZE_THREAD__)
  __tsan_release(&blk);
#endif
  std::mt19937 rng(options.seed++);
  const int warps = int(blk.warps.size());
  std::vector<int> warpOrder(warps);
  for (int i = 0; i < warps; i++) warpOrder[i] = options.order == Order::Reverse ? warps - 1 - i : i;
  std::vector<int> lanes;
  while (blk.live > 0) {
    bool progress = false;
    if (options.order == Order::Random) std::shuffle(warpOrder.begin(), warpOrder.end(), rng);
    for (int w : warpOrder) {
      lanes.clear();
      for (int i = w * 32; i < std::min(n, w * 32 + 32); i++) lanes.push_back(i);
      if (options.order == Order::Reverse) std::reverse(lanes.begin(), lanes.end());
      for (bool ran = true; ran;) {
        ran = false;
        if (options.order == Order::Random) std::shuffle(lanes.begin(), lanes.end(), rng);
        for (int i : lanes) {
          Fiber &f = blk.fibers[i];
          if (f.done || (f.wait && f.wait->generation == f.waitGeneration)) continue;
          resume(f);
          progress = ran = true;
          if (f.done) blk.live--;
        }
        if (options.order == Order::Random && rng() % 4 == 0) break;
      }
    }
    if (!progress) {
      int waiting = 0;
      std::string where;
      for (Fiber &f : blk.fibers) {
        if (!f.done && !waiting++) where = f.where;
      }
      die("deadlock: " + std::to_string(waiting) + " of " + std::to_string(n) + " threads wait, the first in " + where);
    }
  }
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(&blk);
#endif
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(blk.shared + sharedBytes, slack);
#endif
  for (Fiber &f : blk.fibers) {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(f.stack.get(), options.stack);
#endif
    pool.push_back({std::move(f.stack), f.tsan});
  }
  block = nullptr;
}

EMU_INTERNAL inline int warpBarrier(uint32_t mask) {
  Warp &w = block->warps[self->rank >> 5];
  for (int i = 0; i < w.used; i++) {
    if (w.barriers[i].mask == mask) return i;
  }
  if (w.used == 8) die("too many different warp masks");
  w.barriers[w.used].mask = mask;
  return w.used++;
}

using Slots = uint64_t (*)[3];

// Every lane of the mask hands in up to three words; returns all lanes' words once all have arrived.
EMU_INTERNAL inline Slots exchange(uint32_t mask, uint64_t a, uint64_t b, uint64_t c, const char *op, bool orders) {
  Fiber &f = *self;
  const int lane = f.rank & 31;
  const int lanes = std::min<int>(32, int(block->fibers.size()) - (f.rank & ~31));
  if (!(mask >> lane & 1)) die(std::string(op) + ": the calling lane is not in its mask");
  const int index = warpBarrier(mask);
  WarpBarrier &b2 = block->warps[f.rank >> 5].barriers[index];
  Slots slot = b2.slot[f.ops[index]++ & 1];
  slot[lane][0] = a;
  slot[lane][1] = b;
  slot[lane][2] = c;
  arrive(b2.barrier, __builtin_popcount(mask & (lanes == 32 ? ~0u : (1u << lanes) - 1)), op, orders);
  return slot;
}
EMU_INTERNAL inline uint64_t word(Slots slots, int lane, int i) { return slots[lane][i]; }

template <typename T> uint64_t bits(T v) {
  static_assert(sizeof(T) <= 8);
  uint64_t u = 0;
  __builtin_memcpy(&u, &v, sizeof v);
  return u;
}
template <typename T> T value(uint64_t u) {
  T v;
  __builtin_memcpy(&v, &u, sizeof v);
  return v;
}
template <typename T> T shuffle(uint32_t mask, T v, const char *op, int from) {
  Slots s = exchange(mask, bits(v), 0, 0, op, false);
  if (!(mask >> from & 1)) die(std::string(op) + ": the source lane is not in the mask");
  return value<T>(word(s, from, 0));
}
}  // namespace emu

inline void __syncthreads() { emu::arrive(emu::block->all, int(emu::block->fibers.size()), "__syncthreads", true); }
inline void __syncwarp(unsigned mask = ~0u) { emu::exchange(mask, 0, 0, 0, "__syncwarp", true); }
template <typename T> T __shfl_sync(unsigned m, T v, int from) { return emu::shuffle(m, v, "__shfl_sync", from & 31); }
template <typename T> T __shfl_xor_sync(unsigned m, T v, int x) {
  return emu::shuffle(m, v, "__shfl_xor_sync", (emu::current().rank & 31) ^ x);
}
inline unsigned __ballot_sync(unsigned m, int p) {
  emu::Slots s = emu::exchange(m, p != 0, 0, 0, "__ballot_sync", false);
  unsigned r = 0;
  for (int i = 0; i < 32; i++) {
    if (m >> i & 1 && emu::word(s, i, 0)) r |= 1u << i;
  }
  return r;
}
inline int __syncthreads_or(int p) {
  // The vote itself goes through memory of the emulator, two barriers around it as the hardware's one.
  static int vote;
  if (emu::current().rank == 0) __atomic_store_n(&vote, 0, __ATOMIC_RELAXED);
  __syncthreads();
  if (p) __atomic_store_n(&vote, 1, __ATOMIC_RELAXED);
  __syncthreads();
  const int r = __atomic_load_n(&vote, __ATOMIC_RELAXED);
  __syncthreads();
  return r;
}
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
template <typename T> T __ldg(const T *p) { return *p; }
inline unsigned __vmaxu2(unsigned a, unsigned b) {
  return std::max(a & 0xffffu, b & 0xffffu) | std::max(a >> 16, b >> 16) << 16;
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n) {
  return unsigned((uint64_t(high) << 32 | low) >> (n & 31));
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
  return unsigned((uint64_t(high) << 32 | low) << (n & 31) >> 32);
}
inline float __uint_as_float(unsigned u) { return emu::value<float>(u); }
inline unsigned __float_as_uint(float f) { return unsigned(emu::bits(f)); }
inline float __int_as_float(int u) { return emu::value<float>(unsigned(u)); }
inline int __float_as_int(float f) { return int(emu::bits(f)); }
using std::max;
using std::min;

// The little of the runtime API that launchers use.
typedef struct CUstream_st *cudaStream_t;
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16 };
struct cudaLaunchAttribute;
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute *attrs;
  unsigned numAttrs;
};
inline const char *cudaGetErrorString(cudaError_t e) { return e == cudaSuccess ? "no error" : "emulated error"; }
inline cudaError_t cudaGetDeviceCount(int *n) {
  *n = 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int *device) {
  *device = 0;
  return cudaSuccess;
}
// Few multiprocessors, so that small tests go through loops over tiles.
inline cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr, int) {
  *value = 2;
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void *p, int v, size_t n, cudaStream_t) {
  memset(p, v, n);
  return cudaSuccess;
}
namespace emu {
inline const void *allowedKernel = nullptr;
inline size_t allowedShared = 0;
inline std::mutex launching;  // the state above is of one launch at a time
}  // namespace emu
template <typename... P> cudaError_t cudaFuncSetAttribute(void (*kernel)(P...), cudaFuncAttribute, int bytes) {
  emu::allowedKernel = reinterpret_cast<const void *>(kernel);
  emu::allowedShared = size_t(bytes);
  return cudaSuccess;
}
template <typename... P, typename... A>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *c, void (*kernel)(P...), A &&...args) {
  std::lock_guard<std::mutex> lock(emu::launching);
  const dim3 g = c->gridDim, b = c->blockDim;
  const size_t limit = emu::allowedKernel == reinterpret_cast<const void *>(kernel) ? emu::allowedShared : 48u << 10;
  if (!(g.x && g.y && g.z && b.x && b.y && b.z) || size_t(b.x) * b.y * b.z > 1024 || g.y > 65535 || g.z > 65535 ||
      g.x > 0x7fffffffu || c->dynamicSmemBytes > limit || c->dynamicSmemBytes > (99u << 10)) {
    return cudaErrorInvalidConfiguration;
  }
  gridDim = g;
  blockDim = b;
  for (unsigned z = 0; z < g.z; z++) {
    for (unsigned y = 0; y < g.y; y++) {
      for (unsigned x = 0; x < g.x; x++) {
        blockIdx = {x, y, z};
        emu::runBlock(b, c->dynamicSmemBytes, [&] { kernel(args...); });
      }
    }
  }
  return cudaSuccess;
}
