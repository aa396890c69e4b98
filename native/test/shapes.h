// The awkward shapes that every operation's test draws from.
#pragma once
#include "check.h"

struct Shape {
  int n, h, w;
  std::string name() const { return std::to_string(n) + "x" + std::to_string(h) + "x" + std::to_string(w); }
};
// Shapes of at most `most` pixels in all; under sanitizers, which make every access slow, of at most `quick`.
inline std::vector<Shape> awkward_shapes(int most, int quick) {
  static const Shape all[] = {{1, 7, 7},     {33, 7, 7},    {2, 31, 32},   {3, 32, 31},  {33, 31, 33}, {1, 33, 33},
                              {33, 32, 32},  {2, 61, 115},  {3, 115, 61},  {1, 61, 61},  {1, 230, 7},  {3, 8, 230},
                              {1, 224, 224}, {2, 224, 224}, {1, 230, 230}, {1, 230, 224}};
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  most = std::min(most, quick);
#else
  (void)quick;
#endif
  std::vector<Shape> chosen;
  for (const Shape &s : all) {
    if (s.n * s.h * s.w <= most) chosen.push_back(s);
  }
  return chosen;
}
constexpr int64_t kAwkwardChannels[] = {1, 7, 512, 2048};
