// Which pixels come from where, for tests of mix and attend_mix.
#pragma once
#include "batches.h"

struct Regions {
  int n, grid;
  check::Buffer<uint64_t> cells;
  check::Buffer<int32_t> boxes, partner;
  check::Buffer<uint8_t> mixed;
  acm_regions regions = {};

  Regions(int n, int grid) : n(n), grid(grid), cells(n * words()), boxes(4 * n), partner(n), mixed(n) {
    for (int i = 0; i < n; i++) {
      partner[i] = check::below(n);
      mixed[i] = check::below(5) != 0;
      for (int w = 0; w < words(); w++) cells[i * words() + w] = 0;
    }
    regions.grid = grid;
    regions.cells = cells.data();
    regions.partner = partner.data();
    regions.mixed = mixed.data();
  }
  int words() const { return (grid * grid + 63) / 64; }
  bool cell(int i, int c) const { return cells[i * words() + c / 64] >> (c % 64) & 1; }
  void select(int i, int c) { cells[i * words() + c / 64] |= uint64_t(1) << (c % 64); }
  void select(int i, double share) {
    for (int c = 0; c < grid * grid; c++) {
      if (check::uniform(0, 1) < share) select(i, c);
    }
  }
  // Pixel by pixel, the cell found by searching its boundaries.
  bool source(int i, int y, int x, int h, int w) const {
    if (!mixed[i] && regions.mixed != nullptr) return true;
    if (regions.boxes != nullptr) {
      return x >= boxes[4 * i] && x < boxes[4 * i + 2] && y >= boxes[4 * i + 1] && y < boxes[4 * i + 3];
    }
    int r = 0, c = 0;
    while (int64_t(r + 1) * h / grid <= y) r++;
    while (int64_t(c + 1) * w / grid <= x) c++;
    return cell(i, r * grid + c);
  }
  void verify(const std::string &name, const Batch &source, const Batch &background, const Batch &out) const {
    for (int i = 0; i < n; i++) {
      reference::Image own = source.image(i), other = background.image(partner[i]);
      const bool alone = regions.mixed != nullptr && !mixed[i];
      reference::Image wanted = own;
      for (int y = 0; y < own.h && !alone; y++) {
        for (int x = 0; x < own.w; x++) {
          if (this->source(i, y, x, own.h, own.w)) continue;
          for (int c = 0; c < own.channels; c++) wanted.at(c, y, x) = other.at(c, y, x);
        }
      }
      same_image(name, out, i,
                 source.type == ACM_UINT8 && out.type != ACM_UINT8
                     ? reference::convert(wanted, out.type, regions.normalisation)
                     : reference::convert(wanted, out.type, nullptr));
    }
  }
};
