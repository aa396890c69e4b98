// Feature maps for tests, and the attention they must give.
#pragma once
#include <memory>

#include "check.h"
#include "reference.h"

struct Maps {
  enum Kind { kRandom, kEqual, kFew, kSpecial };
  int n, grid, type;
  int64_t c;
  int reduction, classes = 5;
  check::Buffer<unsigned char> features;
  check::Buffer<float> classifier;
  check::Buffer<int32_t> labels, patches;
  check::Buffer<uint64_t> cells;
  check::Buffer<uint8_t> spoiled, nonFinite;
  check::Buffer<int32_t> ranks;
  check::Buffer<float> heat;
  acm_attention attention = {};

  Maps(int n, int grid, int64_t c, int type, int reduction, Kind kind, int shift = 0)
      : n(n),
        grid(grid),
        type(type),
        c(c),
        reduction(reduction),
        features(int64_t(n) * grid * grid * c * reference::bytes_of(type), shift),
        classifier(classes * c),
        labels(n),
        patches(n),
        cells(n * words()),
        spoiled(n),
        nonFinite(n),
        ranks(int64_t(n) * grid * grid),
        heat(int64_t(n) * grid * grid) {
    for (int64_t i = 0; i < classes * c; i++) classifier[i] = check::uniform(-1, 1);
    for (int64_t i = 0; i < int64_t(n) * grid * grid * c; i++) {
      float v = check::uniform(0, 2);
      if (kind == kEqual) v = 0.5f;
      if (kind == kFew) v = check::below(3) == 0 ? 1.f : check::below(2) ? 0.f : -0.f;
      if (kind == kSpecial && check::below(int(c) * 3) == 0) {
        const float special[] = {NAN, INFINITY, -INFINITY, -0.f, 1e-7f};
        v = special[check::below(5)];
      }
      reference::put(features.data(), i, reference::bytes_of(type), reference::from_float(v, type));
    }
    for (int i = 0; i < n; i++) {
      labels[i] = check::below(classes);
      patches[i] = 0;
      spoiled[i] = 0;
    }
    attention.features = features.data();
    attention.type = type;
    attention.grid = grid;
    attention.count = n;
    attention.channels = c;
    attention.reduction = reduction;
    attention.classifier = classifier.data();
    attention.classes = classes;
    attention.labels = labels.data();
    attention.cells = cells.data();
    attention.non_finite = nonFinite.data();
    attention.ranks = ranks.data();
    attention.heat = heat.data();
  }
  int words() const { return (grid * grid + 63) / 64; }
  int k(int i) const { return attention.patches == nullptr ? attention.k : patches[i]; }
  void poison() {
    memset(cells.data(), 0xA5, size_t(n) * words() * 8);
    memset(nonFinite.data(), 0xA5, size_t(n));
    memset(ranks.data(), 0xA5, size_t(n) * grid * grid * 4);
    memset(heat.data(), 0xA5, size_t(n) * grid * grid * 4);
  }
  // The heat of image i in double, and the magnitude that its rounding errors scale with.
  void wanted(int i, std::vector<double> &map, std::vector<double> &scale) const {
    map.clear();
    scale.clear();
    if (attention.spoiled != nullptr && spoiled[i]) {
      map.assign(size_t(grid) * grid, NAN);
      scale.assign(size_t(grid) * grid, 0);
      return;
    }
    for (int cell = 0; cell < grid * grid; cell++) {
      double sum = 0, magnitude = 0, most = -INFINITY, last = 0;
      bool nan = false;
      for (int64_t ch = 0; ch < c; ch++) {
        const float v = reference::to_float(
            reference::get(features.data(), (int64_t(i) * grid * grid + cell) * c + ch, reference::bytes_of(type)),
            type);
        const double term = reduction == ACM_L2    ? double(v) * v
                          : reduction == ACM_CLASS ? double(v) * classifier[labels[i] * c + ch]
                                                   : v;
        sum += term;
        magnitude += std::abs(term);
        nan |= std::isnan(v);
        most = std::max(most, double(v));
        last = v;
      }
      map.push_back(reduction == ACM_MEAN   ? sum / double(c)
                    : reduction == ACM_LAST ? last
                    : reduction == ACM_MAX  ? (nan ? NAN : most)
                    : reduction == ACM_L2   ? std::sqrt(sum)
                                            : sum);
      scale.push_back(reduction == ACM_MEAN    ? magnitude / double(c)
                      : reduction == ACM_L2    ? std::sqrt(sum)
                      : reduction == ACM_CLASS ? magnitude
                                               : 0);
    }
  }
  // Heat within float's rounding of c sums; ranks, mask and flag exactly those of the heat that was written.
  void verify(const std::string &name) const {
    const int count = grid * grid;
    std::vector<double> map, scale;
    for (int i = 0; i < n; i++) {
      const std::string which = name + ", image " + std::to_string(i);
      std::vector<uint64_t> mask(size_t(words()), 0);
      bool finite = true;
      if (k(i) > 0) {
        wanted(i, map, scale);
        for (int cell = 0; cell < count; cell++) {
          // 64 + 5 additions in a row and a few roundings: below 80 units in the last place of the magnitude.
          const int terms = int(c / 32) + 8;
          check::near(which + " heat", &heat[int64_t(i) * count + cell], &map[size_t(cell)], 1, 0,
                      scale[size_t(cell)] * terms * 0x1p-24);
          finite &= std::isfinite(heat[int64_t(i) * count + cell]);
        }
        const std::vector<int> order =
            reference::order(std::vector<float>(&heat[int64_t(i) * count], &heat[int64_t(i) * count] + count));
        std::vector<int32_t> rank(static_cast<size_t>(count));
        for (int r = 0; r < count; r++) {
          rank[size_t(order[size_t(r)])] = r;
          if (r < k(i)) mask[size_t(order[size_t(r)] / 64)] |= uint64_t(1) << (order[size_t(r)] % 64);
        }
        check::same(which + " ranks", &ranks[int64_t(i) * count], rank.data(), count);
      }
      if (attention.cells != nullptr) check::same(which + " cells", &cells[int64_t(i) * words()], mask.data(), words());
      check::truth(which + " finite flag", nonFinite[i] == (finite ? 0 : 1));
    }
  }
};
