// The operations again, written as plainly as possible and without a line of the kernels: whole images, plain loops,
// double sums, the compiler's own half type.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "attentive_kernels.h"

namespace reference {
inline int bytes_of(int type) { return type == ACM_UINT8 ? 1 : type == ACM_FLOAT32 ? 4 : 2; }

inline float to_float(uint32_t bits, int type) {
  if (type == ACM_FLOAT32) {
    float f;
    memcpy(&f, &bits, 4);
    return f;
  }
  if (type == ACM_BFLOAT16) return to_float(bits << 16, ACM_FLOAT32);
  if (type == ACM_UINT8) return float(bits);
  uint16_t h = uint16_t(bits);
  _Float16 f;
  memcpy(&f, &h, 2);
  return float(f);
}
inline uint32_t from_float(float v, int type) {
  uint32_t u;
  memcpy(&u, &v, 4);
  if (type == ACM_FLOAT32) return u;
  if (type == ACM_FLOAT16) {
    if (std::isnan(v)) return (u >> 16 & 0x8000) | 0x7e00 | (u >> 13 & 0x3ff);
    _Float16 f = _Float16(v);
    uint16_t h;
    memcpy(&h, &f, 2);
    return h;
  }
  if (std::isnan(v)) return u >> 16 | 0x40;
  // The two neighbours, the nearer one, even if in the middle.
  const uint32_t low = u >> 16, rest = u & 0xffff;
  return (rest > 0x8000 || (rest == 0x8000 && (low & 1))) ? low + 1 : low;
}
inline uint32_t get(const void *p, int64_t i, int bytes) {
  uint32_t v = 0;
  memcpy(&v, static_cast<const char *>(p) + i * bytes, size_t(bytes));
  return v;
}
inline void put(void *p, int64_t i, int bytes, uint32_t v) {
  memcpy(static_cast<char *>(p) + i * bytes, &v, size_t(bytes));
}

// An image as planes of raw bits: [channel][y][x].
struct Image {
  int h, w, channels, type;
  std::vector<uint32_t> v;
  Image(int h, int w, int channels, int type)
      : h(h), w(w), channels(channels), type(type), v(size_t(h) * w * channels) {}
  uint32_t &at(int c, int y, int x) { return v[(size_t(c) * h + y) * w + x]; }
};
inline Image read(const void *pixels, int h, int w, int channels, int type, int layout) {
  Image image(h, w, channels, type);
  for (int c = 0; c < channels; c++) {
    for (int y = 0; y < h; y++) {
      for (int x = 0; x < w; x++) {
        const int64_t i = layout == ACM_NHWC ? (int64_t(y) * w + x) * channels + c : (int64_t(c) * h + y) * w + x;
        image.at(c, y, x) = get(pixels, i, bytes_of(type));
      }
    }
  }
  return image;
}
inline void write(Image &image, void *pixels, int channels, int layout) {
  for (int y = 0; y < image.h; y++) {
    for (int x = 0; x < image.w; x++) {
      for (int c = 0; c < channels; c++) {
        const int64_t i =
            layout == ACM_NHWC ? (int64_t(y) * image.w + x) * channels + c : (int64_t(c) * image.h + y) * image.w + x;
        put(pixels, i, bytes_of(image.type), c < image.channels ? image.at(c, y, x) : 0);
      }
    }
  }
}

inline double filter_value(int filter, double x) {
  x = std::abs(x);
  if (filter == ACM_BILINEAR) return x < 1.0 ? 1.0 - x : 0.0;
  if (x < 1.0) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * -0.5;
  return 0.0;
}
struct Row {
  int first;
  std::vector<double> weights;
};
inline std::vector<Row> rows(int in, int out, int filter) {
  std::vector<Row> all;
  const double scale = double(in) / out, stretch = std::max(scale, 1.0);
  const double support = (filter == ACM_BICUBIC ? 2.0 : 1.0) * stretch;
  for (int i = 0; i < out; i++) {
    const double centre = (i + 0.5) * scale, inverse = 1.0 / stretch;
    const int first = std::max(0, int(centre - support + 0.5)), end = std::min(in, int(centre + support + 0.5));
    Row row{first, {}};
    double sum = 0;
    for (int j = first; j < end; j++) {
      row.weights.push_back(filter_value(filter, (j - centre + 0.5) * inverse));
      sum += row.weights.back();
    }
    if (sum != 0) {
      for (double &w : row.weights) w /= sum;
    }
    all.push_back(row);
  }
  return all;
}
// One pass over the columns (x) or the rows of an image.
inline Image pass(Image &in, int out, bool x, int filter) {
  if ((x ? in.w : in.h) == out) return in;
  Image result(x ? in.h : out, x ? out : in.w, in.channels, in.type);
  const std::vector<Row> table = rows(x ? in.w : in.h, out, filter);
  for (int c = 0; c < in.channels; c++) {
    for (int a = 0; a < result.h; a++) {
      for (int b = 0; b < result.w; b++) {
        const Row &row = table[x ? b : a];
        if (in.type == ACM_UINT8) {
          int64_t sum = 1 << 21;
          for (size_t t = 0; t < row.weights.size(); t++) {
            const double scaled = row.weights[t] * (1 << 22);
            const int weight = int(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
            sum += int64_t(weight) * (x ? in.at(c, a, row.first + int(t)) : in.at(c, row.first + int(t), b));
          }
          result.at(c, a, b) = uint32_t(std::clamp<int64_t>(sum >> 22, 0, 255));
        } else {
          double sum = 0;
          for (size_t t = 0; t < row.weights.size(); t++) {
            const uint32_t v = x ? in.at(c, a, row.first + int(t)) : in.at(c, row.first + int(t), b);
            sum += double(to_float(v, in.type)) * row.weights[t];
          }
          result.at(c, a, b) = from_float(float(sum), ACM_FLOAT32);
        }
      }
    }
  }
  return result;
}
inline Image resize(Image in, int h, int w, int filter) {
  if (in.h == h && in.w == w) return in;
  if (filter == ACM_NEAREST) {
    Image out(h, w, in.channels, in.type);
    double aty = 0.5 * (double(in.h) / h);
    for (int y = 0; y < h; y++, aty += double(in.h) / h) {
      double atx = 0.5 * (double(in.w) / w);
      for (int x = 0; x < w; x++, atx += double(in.w) / w) {
        for (int c = 0; c < in.channels; c++) out.at(c, y, x) = in.at(c, int(aty), int(atx));
      }
    }
    return out;
  }
  if (in.type != ACM_UINT8 && in.type != ACM_FLOAT32) {
    for (uint32_t &v : in.v) v = from_float(to_float(v, in.type), ACM_FLOAT32);
    in.type = ACM_FLOAT32;
  }
  const bool columnsFirst = in.h > h && in.h - h > 2 * (in.w - w);
  if (columnsFirst) {
    Image mid = pass(in, h, false, filter);
    return pass(mid, w, true, filter);
  }
  Image mid = pass(in, w, true, filter);
  return pass(mid, h, false, filter);
}
// normalisation: mean and std of three channels, or null.
inline Image convert(Image in, int type, const float *normalisation) {
  Image out(in.h, in.w, in.channels, type);
  if (in.type == type && (type == ACM_UINT8 || normalisation == nullptr)) return in;
  for (int c = 0; c < in.channels; c++) {
    const float mean = normalisation ? normalisation[c] : 0, std = normalisation ? normalisation[3 + c] : 1;
    for (size_t i = 0; i < size_t(in.h) * in.w; i++) {
      const uint32_t bits = in.v[size_t(c) * in.h * in.w + i];
      float v = to_float(bits, in.type);
      if (in.type == ACM_UINT8)
        v = (v / 255.0f - mean) / std;
      else if (normalisation)
        v = (v - mean) / std;
      out.v[size_t(c) * in.h * in.w + i] = from_float(v, type);
    }
  }
  return out;
}

// Selection: sort all cells by the rule.
inline std::vector<int> order(const std::vector<float> &heat) {
  std::vector<int> cells(heat.size());
  for (size_t i = 0; i < cells.size(); i++) cells[i] = int(i);
  std::stable_sort(cells.begin(), cells.end(), [&](int a, int b) {
    const float x = heat[a], y = heat[b];
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(x) && std::isnan(y);
    return x > y;
  });
  return cells;
}
}  // namespace reference
