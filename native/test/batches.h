// Batches of images for tests: one size or ragged, back to back or at odd offsets, of every type and layout.
#pragma once
#include <memory>
#include <utility>

#include "check.h"
#include "reference.h"

struct Batch {
  std::vector<int> h, w;
  int type, layout, channels;
  std::vector<int64_t> offset;
  std::unique_ptr<check::Buffer<unsigned char>> pixels;
  std::unique_ptr<check::Buffer<int64_t>> offsets;
  std::unique_ptr<check::Buffer<int32_t>> sizes;
  acm_images images = {};

  // gap: bytes between images, a multiple of the type's size; ragged where sizes differ or a gap is given.
  Batch(std::vector<int> heights, std::vector<int> widths, int type, int layout, int channels = 3, int shift = 0,
        int gap = 0)
      : h(std::move(heights)), w(std::move(widths)), type(type), layout(layout), channels(channels) {
    const int64_t n = int64_t(h.size());
    bool ragged = gap != 0;
    int64_t at = 0;
    for (int64_t i = 0; i < n; i++) {
      offset.push_back(at);
      at += int64_t(h[i]) * w[i] * channels * reference::bytes_of(type) + gap;
      ragged |= h[i] != h[0] || w[i] != w[0];
    }
    if (n > 0) at -= gap;
    pixels.reset(new check::Buffer<unsigned char>(at, shift));
    images.pixels = pixels->data();
    images.count = n;
    images.height = n == 0 ? 1 : *std::max_element(h.begin(), h.end());
    images.width = n == 0 ? 1 : *std::max_element(w.begin(), w.end());
    images.channels = channels;
    images.type = type;
    images.layout = layout;
    if (ragged) {
      offsets.reset(new check::Buffer<int64_t>(n));
      sizes.reset(new check::Buffer<int32_t>(2 * n));
      for (int64_t i = 0; i < n; i++) {
        (*offsets)[i] = offset[i];
        (*sizes)[2 * i] = h[i];
        (*sizes)[2 * i + 1] = w[i];
      }
      images.offsets = offsets->data();
      images.sizes = sizes->data();
    }
  }
  void fill() {
    const int bytes = reference::bytes_of(type);
    for (size_t i = 0; i < h.size(); i++) {
      for (int64_t e = 0; e < int64_t(h[i]) * w[i] * channels; e++) {
        const uint32_t v = type == ACM_UINT8 || channels == 1
                             ? uint32_t(check::random()())
                             : reference::from_float(check::uniform(-1.5f, 2.5f), type);
        reference::put(pixels->data() + offset[i], e, bytes, v);
      }
    }
  }
  void poison() { memset(pixels->data(), 0xA5, size_t(pixels->size())); }
  reference::Image image(int i) const {
    return reference::read(pixels->data() + offset[i], h[i], w[i], std::min(channels, 3), type, layout);
  }
  int64_t bytes(int i) const { return int64_t(h[i]) * w[i] * channels * reference::bytes_of(type); }
};
inline Batch one_size(int n, int h, int w, int type, int layout, int channels = 3, int shift = 0, int gap = 0) {
  return Batch(std::vector<int>(n, h), std::vector<int>(n, w), type, layout, channels, shift, gap);
}
inline std::string form_name(int type, int layout) {
  static const char *const types[] = {"u8", "f16", "bf16", "f32"};
  return std::string(types[type]) + (layout == ACM_NHWC ? " NHWC" : " NCHW");
}
// Compares image i of a batch with what it should be, the padding channels included.
inline void same_image(const std::string &what, const Batch &got, int i, reference::Image wanted) {
  std::vector<unsigned char> bytes(size_t(got.bytes(i)));
  reference::write(wanted, bytes.data(), got.channels, got.layout);
  check::same(what + ", image " + std::to_string(i), got.pixels->data() + got.offset[i], bytes.data(), got.bytes(i));
}
