// The emulator itself: lane maps against the tables of the PTX ISA written out another way, what it says of faulty
// kernels, and the self-test that a real GPU runs too.
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "device.cuh"
#include "reference.h"

namespace {
template <typename K> void run(int threads, size_t shared, K kernel) {
  emu::block = nullptr;
  blockDim = dim3(threads);
  gridDim = dim3(1);
  blockIdx = {0, 0, 0};
  emu::runBlock(dim3(threads), shared, kernel);
}

// PTX ISA, m16n8k16: a0,a1 row g, a2,a3 row g+8, a4,a5 row g, a6,a7 row g+8; columns 2t+(i&1), +8 from a4 on. b0,b1
// rows 2t, 2t+1, b2,b3 +8, column g. c0,c1 row g, c2,c3 row g+8, columns 2t+(i&1).
void mma_lane_map() {
  for (int brain = 0; brain < 2; brain++) {
    const int type = brain ? ACM_BFLOAT16 : ACM_FLOAT16;
    float A[16][16], B[16][8], C[16][8];
    for (auto &row : A)
      for (float &v : row) v = float(check::below(31) - 15) / 4;
    for (auto &row : B)
      for (float &v : row) v = float(check::below(31) - 15) / 8;
    for (auto &row : C)
      for (float &v : row) v = float(check::below(100));
    check::orders([&](const std::string &order) {
      float got[16][8];
      run(32, 0, [&] {
        const int lane = int(threadIdx.x), g = lane / 4, t = lane % 4;
        auto pack = [&](float low, float high) {
          return reference::from_float(low, type) | reference::from_float(high, type) << 16;
        };
        const uint32_t a[4] = {pack(A[g][2 * t], A[g][2 * t + 1]), pack(A[g + 8][2 * t], A[g + 8][2 * t + 1]),
                               pack(A[g][2 * t + 8], A[g][2 * t + 9]), pack(A[g + 8][2 * t + 8], A[g + 8][2 * t + 9])};
        const uint32_t b0 = pack(B[2 * t][g], B[2 * t + 1][g]), b1 = pack(B[2 * t + 8][g], B[2 * t + 9][g]);
        float c[4] = {C[g][2 * t], C[g][2 * t + 1], C[g + 8][2 * t], C[g + 8][2 * t + 1]};
        if (brain)
          acm::mma_bf16(c, a, b0, b1);
        else
          acm::mma_f16(c, a, b0, b1);
        got[g][2 * t] = c[0];
        got[g][2 * t + 1] = c[1];
        got[g + 8][2 * t] = c[2];
        got[g + 8][2 * t + 1] = c[3];
      });
      for (int r = 0; r < 16; r++) {
        for (int n = 0; n < 8; n++) {
          double sum = C[r][n];
          for (int k = 0; k < 16; k++) sum += double(A[r][k]) * B[k][n];
          check::truth("mma " + std::to_string(brain) + order, got[r][n] == float(sum));
        }
      }
    });
  }
}
// PTX ISA, ldmatrix .x4: threads 0-7 address matrix 0, 8-15 matrix 1, ...; thread 4·row + i gets elements 2i, 2i+1 of
// the row.
void ldmatrix_lane_map() {
  check::orders([&](const std::string &order) {
    uint32_t got[32][4];
    run(32, 512, [&] {
      const int lane = int(threadIdx.x);
      uint16_t *shared = reinterpret_cast<uint16_t *>(emu::block->shared);
      for (int i = 0; i < 8; i++) shared[lane * 8 + i] = uint16_t(lane * 8 + i);
      __syncwarp();
      acm::ldmatrix_x4(got[lane], shared + (lane ^ 3) * 8);  // rows in another order
    });
    for (int lane = 0; lane < 32; lane++) {
      for (int m = 0; m < 4; m++) {
        const int row = (8 * m + lane / 4) ^ 3, element = row * 8 + 2 * (lane % 4);
        check::truth("ldmatrix" + order, got[lane][m] == uint32_t(element | (element + 1) << 16));
      }
    }
  });
}
void bank_conflicts() {
  for (int stride : {1, 2, 8}) {
    emu::counters = {};
    run(32, 32 * 8 * 16, [&] { acm::load_shared16(emu::block->shared + threadIdx.x * size_t(stride) * 16); });
    const long wanted = stride == 1 ? 0 : stride == 2 ? 4 * 1 : 4 * 7;
    check::truth("conflicts of stride " + std::to_string(stride), emu::counters.shared16Conflicts == wanted);
  }
}
void halves() {  // every half, and many floats, against the compiler's type
  for (uint32_t h = 0; h < 0x10000; h++) {
    const float got = acm::half_to_float(uint16_t(h)), wanted = reference::to_float(h, ACM_FLOAT16);
    check::truth("half_to_float", std::isnan(wanted) ? std::isnan(got) : memcmp(&got, &wanted, 4) == 0);
  }
  for (int i = 0; i < (check::quick ? 10000 : 1000000); i++) {
    const uint32_t u = uint32_t(check::random()());
    const float f = reference::to_float(u, ACM_FLOAT32);
    if (std::isnan(f)) continue;
    check::truth("float_to_half", acm::float_to_half(f) == reference::from_float(f, ACM_FLOAT16));
    check::truth("float_to_brain", acm::float_to_brain(f) == reference::from_float(f, ACM_BFLOAT16));
  }
}
void self_test() {
  check::Buffer<uint32_t> results(ACM_SELF_TEST_WORDS);
  check::status("self_test", acm_self_test(results.data(), nullptr));
  for (int lane = 0; lane < 32; lane++) {
    const uint32_t *own = results.data() + lane * 20;
    for (int m = 0; m < 4; m++) {
      const uint32_t element = uint32_t((8 * m + lane / 4) * 8 + 2 * (lane % 4));
      check::truth("self_test ldmatrix", own[m] == (element | (element + 1) << 16));
    }
    check::truth("self_test types agree", memcmp(own + 4, own + 8, 16) == 0);
    for (int i = 0; i < 4; i++) check::truth("self_test copy", own[12 + i] == (lane % 2 == 0 ? own[i] : 0));
  }
  check::status("self_test null", acm_self_test(nullptr, nullptr), ACM_NULL_POINTER);
  check::status("self_test misaligned", acm_self_test(results.data() + 1, nullptr), ACM_MISALIGNED);
  int32_t count = 0;
  check::status("device count", acm_device_count(&count));
  check::status("device count null", acm_device_count(nullptr), ACM_NULL_POINTER);
  check::truth("emulated", acm_is_emulated() == 1);
  for (int status = -9; status <= 1; status++) check::truth("status text", strlen(acm_status_text(status)) > 5);
}

// A faulty kernel in a child process: it must end badly, or print, as a sanitizer or the emulator does, what is wanted.
template <typename K> [[maybe_unused]] std::string death(K kernel) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  fflush(stdout);
  fflush(stderr);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    close(ends[0]);
    kernel();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, size_t(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return (WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "survived; " : "died; ") + text;
}
[[maybe_unused]] void wants(const std::string &name, const std::string &got, const std::string &text) {
  check::truth(name + ": wanted \"" + text + "\" in: " + got.substr(0, 300), got.find(text) != std::string::npos);
}
void faults_are_caught() {
#if !defined(__SANITIZE_THREAD__)  // a forked child of ThreadSanitizer does not run on
  wants("barrier in one warp", death([] {
          run(64, 0, [] {
            if (threadIdx.x < 32) __syncthreads();
          });
        }),
        "deadlock: 32 of 64 threads wait, the first in __syncthreads");
  wants("different operations", death([] {
          run(32, 0, [] {
            if (threadIdx.x == 0)
              __syncwarp();
            else
              __ballot_sync(~0u, 1);
          });
        }),
        "threads meet in different operations");
  wants("lane outside its mask", death([] { run(32, 0, [] { __ballot_sync(1u, 1); }); }), "not in its mask");
  wants("copy without a wait", death([] {
          alignas(16) static unsigned char from[16];
          run(32, 512, [] {
            acm::copy_async16(emu::block->shared + threadIdx.x * 16, from, 16);
            acm::copy_async_commit();
          });
        }),
        "copies that it never waited for");
  wants("misaligned 16 bytes",
        death([] { run(32, 1024, [] { acm::load_shared16(emu::block->shared + 8 + threadIdx.x * 16); }); }),
        "align");  // the emulator says so, or UBSan before it
#endif
#if defined(__SANITIZE_ADDRESS__)
  wants("past shared memory", death([] { run(32, 128, [] { emu::block->shared[threadIdx.x * 5] = 1; }); }),
        "AddressSanitizer");
  wants("past a buffer", death([] {
          check::Buffer<int> b(32);
          run(32, 0, [&] { b[threadIdx.x + 1] = 0; });
        }),
        "AddressSanitizer");
#endif
  // Reading before the wait gives NaN, not the value.
  alignas(16) static float source[4] = {1, 2, 3, 4};
  float early = 0, late = 0;
  run(1, 16, [&] {
    acm::copy_async16(emu::block->shared, source, 16);
    acm::copy_async_commit();
    memcpy(&early, emu::block->shared, 4);
    acm::copy_async_wait<0>();
    memcpy(&late, emu::block->shared, 4);
  });
  check::truth("poisoned until waited for", std::isnan(early) && late == 1);
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"emulator.mma_lane_map", mma_lane_map},
                    {"emulator.ldmatrix_lane_map", ldmatrix_lane_map},
                    {"emulator.bank_conflicts", bank_conflicts},
                    {"emulator.halves", halves},
                    {"emulator.self_test", self_test},
                    {"emulator.faults_are_caught", faults_are_caught}},
                   argc, argv);
}
