// What every kernel test uses: buffers with guard bands, random values, comparisons that say where, and thread orders.
#pragma once
#include <cinttypes>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "attentive_kernels.h"
#include "cuda_emu.h"

namespace check {
inline int failures = 0;
// Fewer and smaller cases where a sanitizer makes every access slow.
#if defined(__SANITIZE_THREAD__)
constexpr bool quick = true;
#else
constexpr bool quick = false;
#endif

inline void fail(const std::string &what) {
  if (++failures <= 20) fprintf(stderr, "FAILED %s\n", what.c_str());
  if (failures == 20) fprintf(stderr, "... no more are printed\n");
}

// An array of n values with 64 guard bytes on both sides, on a 256-byte boundary plus `shift` bytes, filled with 0xA5.
template <typename T> class Buffer {
 public:
  explicit Buffer(int64_t n, int shift = 0) : bytes_(n * int64_t(sizeof(T))) {
    const size_t room = size_t(bytes_) + kGuard * 2 + size_t(shift);
    memory_ = static_cast<unsigned char *>(std::aligned_alloc(256, (room + 511) / 256 * 256));
    start_ = memory_ + kGuard + shift;
    size_ = (room + 511) / 256 * 256;
    memset(memory_, 0xA5, size_);
#if defined(__SANITIZE_ADDRESS__)
    ASAN_POISON_MEMORY_REGION(memory_, size_t(start_ - memory_) / 8 * 8);
    ASAN_POISON_MEMORY_REGION(start_ + bytes_, size_ - size_t(start_ - memory_) - size_t(bytes_));
#endif
  }
  Buffer(const Buffer &) = delete;
  ~Buffer() {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(memory_, size_);
#endif
    for (size_t i = 0; i < size_; i++) {
      const bool inside = memory_ + i >= start_ && memory_ + i < start_ + bytes_;
      if (!inside && memory_[i] != 0xA5) {
        fail("a guard byte was overwritten, " + std::to_string(memory_ + i - start_) +
             " bytes from the start of a buffer of " + std::to_string(bytes_));
        break;
      }
    }
    std::free(memory_);
  }
  T *data() const { return reinterpret_cast<T *>(start_); }
  T &operator[](int64_t i) const { return data()[i]; }
  int64_t size() const { return bytes_ / int64_t(sizeof(T)); }

 private:
  static constexpr size_t kGuard = 256;
  int64_t bytes_;
  size_t size_;
  unsigned char *memory_, *start_;
};

template <typename T> void same(const std::string &what, const T *got, const T *wanted, int64_t n) {
  if (n == 0 || memcmp(got, wanted, size_t(n) * sizeof(T)) == 0) return;
  for (int64_t i = 0; i < n; i++) {
    if (memcmp(got + i, wanted + i, sizeof(T)) != 0) {
      long long a = 0, b = 0;
      memcpy(&a, got + i, sizeof(T));
      memcpy(&b, wanted + i, sizeof(T));
      fail(what + ": at " + std::to_string(i) + " of " + std::to_string(n) + " got bits " + std::to_string(a) +
           ", wanted " + std::to_string(b));
      return;
    }
  }
}
inline void status(const std::string &what, int got, int wanted = ACM_OK) {
  if (got != wanted) fail(what + ": status " + std::to_string(got) + ", wanted " + std::to_string(wanted));
}
inline void truth(const std::string &what, bool condition) {
  if (!condition) fail(what);
}
inline void near(const std::string &what, const float *got, const double *wanted, int64_t n, double relative,
                 double absolute) {
  for (int64_t i = 0; i < n; i++) {
    const bool nan = std::isnan(wanted[i]);
    const bool right = nan ? std::isnan(got[i])
                     : std::isinf(wanted[i])
                         ? got[i] == wanted[i]
                         : std::abs(got[i] - wanted[i]) <= relative * std::abs(wanted[i]) + absolute;
    if (!right) {
      fail(what + ": at " + std::to_string(i) + " of " + std::to_string(n) + " got " + std::to_string(got[i]) +
           ", wanted " + std::to_string(wanted[i]));
      return;
    }
  }
}

// Runs a test body under each thread order; under sanitizers one order per call, in turn.
// `once`: one order only, in turn, for cases that are large.
inline void orders(const std::function<void(const std::string &)> &body, bool once = false) {
  static int turn = 0;
  static const char *const names[] = {" forward", " reverse", " random"};
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  const int first = turn++ % 3, last = first;
  (void)once;
#else
  const int first = once ? turn++ % 3 : 0, last = once ? first : 2;
#endif
  for (int o = first; o <= last; o++) {
    emu::options.order = static_cast<emu::Order>(o);
    emu::options.seed = 20241125;
    body(names[o]);
  }
}

inline std::mt19937 &random() {
  static std::mt19937 rng(5);
  return rng;
}
inline float uniform(float low, float high) { return low + (high - low) * float(random()() >> 8) * 0x1p-24f; }
inline int below(int n) { return int(random()() % unsigned(n)); }
}  // namespace check

// A test program is a list of functions; with a name as argument only those whose names begin with it run.
struct Test {
  const char *name;
  void (*body)();
};
inline int run_tests(const std::vector<Test> &tests, int argc, char **argv) {
  int ran = 0;
  for (const Test &t : tests) {
    if (argc > 1 && strncmp(t.name, argv[1], strlen(argv[1])) != 0) continue;
    const int before = check::failures;
    t.body();
    ran++;
    printf("%s %s\n", check::failures == before ? "passed" : "FAILED", t.name);
    fflush(stdout);
  }
  if (ran == 0) fprintf(stderr, "no test of this name\n");
  return check::failures != 0 || ran == 0;
}
