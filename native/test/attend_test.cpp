// acm_attend: heat against double sums, ranks and masks against a sort.
#include "attention.h"
#include "shapes.h"

namespace {
void run(Maps &maps, const std::string &name) {
  check::orders([&](const std::string &order) {
    maps.poison();
    check::status(name, acm_attend(&maps.attention, nullptr));
    maps.verify(name + order);
  });
}
void shapes() {
  int turn = 0;
  for (int n : {1, 2, 3, 33}) {
    for (int64_t c : kAwkwardChannels) {
      for (int reduction = ACM_MEAN; reduction <= ACM_CLASS; reduction++) {
        turn++;
        if ((check::quick || n == 33) && turn % 4 && c > 7) continue;
        const int k[] = {0, 1, 6, 49};
        Maps maps(n, 7, c, 1 + turn % 3, reduction, static_cast<Maps::Kind>(turn % 4), turn % 3 == 0 ? 4 : 0);
        maps.attention.k = k[turn % 4];
        run(maps, "attend N " + std::to_string(n) + " C " + std::to_string(c) + " reduction " +
                      std::to_string(reduction) + " k " + std::to_string(maps.attention.k));
      }
    }
  }
}
void grids() {
  for (int grid : {1, 2, 5, 6, 8, 9, 13, 16, 23, 32}) {
    if (check::quick && grid > 16) continue;
    Maps maps(2, grid, 24, 1 + grid % 3, grid % 5, static_cast<Maps::Kind>(grid % 4));
    maps.attention.k = grid * grid;
    run(maps, "attend all cells of grid " + std::to_string(grid));
    maps.attention.k = (grid * grid + 1) / 2;
    run(maps, "attend half the cells of grid " + std::to_string(grid));
  }
}
void ties() {  // all equal: the first k cells
  Maps maps(1, 7, 64, ACM_FLOAT16, ACM_LAST, Maps::kEqual);
  maps.attention.k = 6;
  run(maps, "attend ties");
  check::truth("attend ties: cells 0 to 5", maps.cells[0] == 63);
}
void nan_is_lowest() {
  Maps maps(1, 2, 1, ACM_FLOAT32, ACM_LAST, Maps::kRandom);
  const float values[] = {NAN, -INFINITY, INFINITY, -0.f};
  memcpy(maps.features.data(), values, 16);
  maps.attention.k = 3;
  run(maps, "attend NaN");
  check::truth("attend NaN: every cell but the NaN", maps.cells[0] == 14);
}
void patches_per_image() {
  Maps maps(7, 7, 65, ACM_BFLOAT16, ACM_MEAN, Maps::kRandom);
  const int k[] = {0, 1, 6, 49, 0, 48, 2};
  for (int i = 0; i < 7; i++) maps.patches[i] = k[i];
  maps.attention.patches = maps.patches.data();
  maps.attention.k = -1;
  run(maps, "attend patches");
}
// Images whose input was spoiled: all NaN, the first k cells, whatever the features hold.
void spoiled_images() {
  for (int reduction = ACM_MEAN; reduction <= ACM_CLASS; reduction++) {
    for (int grid : {1, 7, 13}) {
      Maps maps(4, grid, 24, 1 + reduction % 3, reduction, Maps::kRandom);
      const int k[] = {std::min(6, grid * grid), grid * grid, 0, 1};
      for (int i = 0; i < 4; i++) {
        maps.patches[i] = k[i];
        maps.spoiled[i] = i != 1;
      }
      maps.attention.patches = maps.patches.data();
      maps.attention.spoiled = maps.spoiled.data();
      run(maps, "attend spoiled, reduction " + std::to_string(reduction) + " grid " + std::to_string(grid));
      const std::string name = "attend spoiled grid " + std::to_string(grid);
      const int flags[] = {1, 0, 0, 1};
      for (int i = 0; i < 4; i++) check::truth(name + ": flag " + std::to_string(i), maps.nonFinite[i] == flags[i]);
      check::truth(name + ": the first cells",
                   maps.cells[0] == (uint64_t(1) << k[0]) - 1 && maps.cells[3 * maps.words()] == 1);
    }
  }
}
void nothing_optional() {  // only the mask is asked for
  Maps maps(3, 7, 40, ACM_FLOAT16, ACM_MEAN, Maps::kRandom);
  maps.attention.k = 6;
  maps.poison();
  acm_attention a = maps.attention;
  a.heat = nullptr;
  a.ranks = nullptr;
  a.non_finite = nullptr;
  check::status("attend mask alone", acm_attend(&a, nullptr));
  std::vector<uint64_t> mask(maps.cells.data(), maps.cells.data() + 3);
  check::status("attend all", acm_attend(&maps.attention, nullptr));
  maps.verify("attend all");
  check::same("attend mask alone", mask.data(), maps.cells.data(), 3);
}
void arguments() {
  Maps maps(2, 7, 16, ACM_FLOAT16, ACM_CLASS, Maps::kRandom);
  maps.attention.k = 6;
  auto call = [&](auto change) {
    acm_attention a = maps.attention;
    change(a);
    return acm_attend(&a, nullptr);
  };
  using A = acm_attention;
  check::status("null", acm_attend(nullptr, nullptr), ACM_NULL_POINTER);
  check::status("features", call([](A &a) { a.features = nullptr; }), ACM_NULL_POINTER);
  check::status("cells", call([](A &a) { a.cells = nullptr; }), ACM_NULL_POINTER);
  check::status("classifier", call([](A &a) { a.classifier = nullptr; }), ACM_NULL_POINTER);
  check::status("labels", call([](A &a) { a.labels = nullptr; }), ACM_NULL_POINTER);
  check::status("classes", call([](A &a) { a.classes = 0; }), ACM_BAD_SIZE);
  check::status("k above", call([](A &a) { a.k = 50; }), ACM_BAD_VALUE);
  check::status("k below", call([](A &a) { a.k = -1; }), ACM_BAD_VALUE);
  check::status("grid 0", call([](A &a) { a.grid = 0; }), ACM_BAD_SIZE);
  check::status("grid 33", call([](A &a) { a.grid = 33; }), ACM_TOO_LARGE);
  check::status("channels", call([](A &a) { a.channels = 0; }), ACM_BAD_SIZE);
  check::status("overflow", call([](A &a) { a.channels = int64_t(1) << 58; }), ACM_TOO_LARGE);
  check::status("count", call([](A &a) { a.count = -1; }), ACM_BAD_SIZE);
  check::status("type", call([](A &a) { a.type = ACM_UINT8; }), ACM_BAD_VALUE);
  check::status("reduction", call([](A &a) { a.reduction = 5; }), ACM_BAD_VALUE);
  check::status("misaligned", call([](A &a) { a.features = static_cast<const char *>(a.features) + 1; }),
                ACM_MISALIGNED);
  check::status("overlap", call([&](A &a) { a.heat = reinterpret_cast<float *>(maps.features.data()); }), ACM_OVERLAP);
  auto shifted = [](auto *p, int by) {
    return reinterpret_cast<decltype(p)>(reinterpret_cast<uintptr_t>(p) + uintptr_t(by));
  };
  check::status("cells misaligned", call([&](A &a) { a.cells = shifted(a.cells, 4); }), ACM_MISALIGNED);
  check::status("ranks misaligned", call([&](A &a) { a.ranks = shifted(a.ranks, 2); }), ACM_MISALIGNED);
  check::status("heat misaligned", call([&](A &a) { a.heat = shifted(a.heat, 1); }), ACM_MISALIGNED);
  check::status("patches misaligned", call([&](A &a) { a.patches = shifted(maps.patches.data(), 2); }), ACM_MISALIGNED);
  check::status("labels misaligned", call([&](A &a) { a.labels = shifted(a.labels, 2); }), ACM_MISALIGNED);
  check::status("classifier misaligned", call([&](A &a) { a.classifier = shifted(a.classifier, 2); }), ACM_MISALIGNED);
  check::status("count overflow", call([](A &a) { a.count = int64_t(1) << 40; }), ACM_TOO_LARGE);
  check::status("classifier overflow", call([](A &a) { a.classes = int64_t(1) << 60; }), ACM_TOO_LARGE);
  check::status("cells over the features",
                call([&](A &a) { a.cells = reinterpret_cast<uint64_t *>(maps.features.data()); }), ACM_OVERLAP);
  check::status("ranks over the classifier",
                call([&](A &a) { a.ranks = reinterpret_cast<int32_t *>(maps.classifier.data()); }), ACM_OVERLAP);
  check::status("flags over the labels",
                call([&](A &a) { a.non_finite = reinterpret_cast<uint8_t *>(maps.labels.data()); }), ACM_OVERLAP);
  check::status("flags over the spoiled", call([&](A &a) {
                  a.spoiled = maps.spoiled.data();
                  a.non_finite = maps.spoiled.data();
                }),
                ACM_OVERLAP);
  check::status("cells over the patches", call([&](A &a) {
                  a.patches = maps.patches.data();
                  a.cells = reinterpret_cast<uint64_t *>(maps.patches.data());
                }),
                ACM_OVERLAP);
  check::status("ranks over the heat", call([&](A &a) { a.ranks = reinterpret_cast<int32_t *>(a.heat) + 1; }),
                ACM_OVERLAP);
  check::status("nothing", call([](A &a) {
                  a.count = 0;
                  a.features = nullptr;
                  a.cells = nullptr;
                }));
}
}  // namespace

int main(int argc, char **argv) {
  return run_tests({{"attend.shapes", shapes},
                    {"attend.grids", grids},
                    {"attend.ties", ties},
                    {"attend.nan_is_lowest", nan_is_lowest},
                    {"attend.patches_per_image", patches_per_image},
                    {"attend.spoiled_images", spoiled_images},
                    {"attend.nothing_optional", nothing_optional},
                    {"attend.arguments", arguments}},
                   argc, argv);
}
