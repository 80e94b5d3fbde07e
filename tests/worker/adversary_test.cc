#include "worker/adversary.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace gradmint;

TEST_CASE("KIND and KIND@ROUND") {
  struct Row {
    const char* text;
    AdversaryKind kind;
    std::uint64_t round;  // 0: refused
  };
  const std::vector<Row> table = {
      {"signflip", AdversaryKind::signflip, 1},
      {"signflip@4", AdversaryKind::signflip, 4},
      {"scale", AdversaryKind::scale, 1},
      {"gaussian@2", AdversaryKind::gaussian, 2},
      {"labelflip", AdversaryKind::labelflip, 1},
      {"freerider", AdversaryKind::freerider, 1},
      {"replay@9", AdversaryKind::replay, 9},
      {"copy", AdversaryKind::copy, 1},
      {"nan@12", AdversaryKind::nan, 12},
      {"", AdversaryKind::none, 0},
      {"none", AdversaryKind::none, 0},
      {"signflip@", AdversaryKind::none, 0},
      {"signflip@0", AdversaryKind::none, 0},
      {"signflip@-1", AdversaryKind::none, 0},
      {"signflip@4x", AdversaryKind::none, 0},
      {"@4", AdversaryKind::none, 0},
      {"signflip@99999999999999999999", AdversaryKind::none, 0},
  };
  for (const Row& row : table) {
    const auto spec = parse_adversary(row.text);
    REQUIRE_MESSAGE(spec.ok() == (row.round != 0), row.text);
    if (!spec.ok()) continue;
    CHECK(*spec == AdversarySpec{row.kind, row.round});
    CHECK(parse_adversary(adversary_name(row.kind))->kind == row.kind);
  }
}

TEST_CASE("each attack, and honesty before its round") {
  const std::vector<float> honest = {1, -2, 0, 4};
  const std::vector<float> change = {9, 9, 9, 9};
  const std::vector<float> seen = {5, 6, 7, 8};
  const AdversaryView view{4, 1, change, seen};
  struct Row {
    const char* spec;
    std::vector<float> expected;
  };
  const std::vector<Row> table = {
      {"signflip@5", honest}, {"signflip@4", {-1, 2, 0, -4}}, {"scale", {100, -200, 0, 400}},
      {"labelflip", honest},  {"freerider", {0, 0, 0, 0}},    {"replay", change},
      {"copy", seen},
  };
  for (const Row& row : table)
    CHECK_MESSAGE(hostile_update(*parse_adversary(row.spec), honest, view) == row.expected,
                  row.spec);
  const AdversaryView early{4, 1, {}, {}};
  CHECK(hostile_update(*parse_adversary("replay"), honest, early) == std::vector<float>(4, 0.0F));
  CHECK(hostile_update(*parse_adversary("copy"), honest, early) == honest);
  CHECK(!std::signbit(hostile_update(*parse_adversary("signflip"), honest, view)[2]));
  CHECK(std::isnan(hostile_update(*parse_adversary("nan"), honest, view)[2]));
  const auto noise = hostile_update(*parse_adversary("gaussian"), honest, view);
  CHECK(noise == hostile_update(*parse_adversary("gaussian"), honest, view));
  CHECK(noise != hostile_update(*parse_adversary("gaussian"), honest, {5, 1, {}, {}}));
  for (const float x : noise) CHECK(std::isfinite(x));
}

TEST_CASE("flipped labels") {
  std::vector<std::int32_t> labels = {0, 9, 4};
  flip_labels(labels, 10);
  CHECK(labels == std::vector<std::int32_t>{9, 0, 5});
}
