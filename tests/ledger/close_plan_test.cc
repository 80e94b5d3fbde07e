#include "ledger/close_plan.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

std::vector<std::pair<AccountId, CommitRecord>> commits_with(
    const std::vector<std::pair<int, std::uint64_t>>& exponents_and_examples) {
  std::vector<std::pair<AccountId, CommitRecord>> commits;
  for (const auto& [exponent, examples] : exponents_and_examples) {
    const std::string name = "worker " + std::to_string(commits.size());
    CommitRecord record;
    record.body.commitment = hash_of("commitment of " + name);
    record.body.exponent = static_cast<std::int16_t>(exponent);
    record.body.examples = examples;
    record.order = commits.size();
    commits.emplace_back(hash_of(name), record);
  }
  return commits;
}

struct ScaleRow {
  std::vector<std::pair<int, std::uint64_t>> commits;  // exponent, examples
  int exponent, shift;
  std::size_t excluded;
};

}  // namespace

TEST_CASE("close plan: every order of arrival of four commitments gives the same plan") {
  WorldOptions options;
  std::vector<int> order = {0, 1, 2, 3};
  std::optional<CloseCommits> first;
  int plans = 0;
  do {
    World w(options);
    w.enrol();
    w.open();
    w.commit(order);
    const CloseCommits plan = w.close_body();
    CHECK(w.ask(w.validator(), plan) == Verdict::ok);
    if (!first) first = plan;
    CHECK(encode_record(plan) == encode_record(*first));
    ++plans;
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK(plans == 24);
}

TEST_CASE("close plan: E is bounded by the upper median, s by the largest weight that counts") {
  const ScaleRow rows[] = {
      {{{0, 1}}, 0, 51, 0},
      {{{0, 2}}, 0, 50, 0},
      {{{0, 3}}, 0, 49, 0},
      {{{5, kMaxExamples}}, 5, 51 - 5 - 24, 0},
      {{{-149, 1}}, -149, 200, 0},
      {{{128, kMaxExamples}}, 128, 51 - 128 - 24, 0},
      {{{-150, 1}}, -149, 200, 0},
      {{{-150, 1}, {-3, 1}}, -3, 54, 0},
      {{{0, 1}, {12, 1}}, 12, 39, 0},
      {{{0, 1}, {100, 1}}, 100, -49, 0},
      {{{0, 1}, {0, 1}, {12, 1}}, 12, 39, 0},
      {{{0, 1}, {0, 1}, {13, 1}}, 0, 51, 1},
      {{{0, 4}, {0, 4}, {13, 1024}}, 0, 49, 1},  // who is excluded does not weigh
      {{{0, 1}, {0, 1}, {0, 1}, {100, kMaxExamples}}, 0, 51, 1},
      {{{-150, 1}, {-20, kMaxExamples}, {-3, 1}, {-3, 1}}, -3, 30, 0},  // nor has it more of a say
      {{{0, 1}, {100, 1}, {100, 1}, {100, 1}}, 100, -49, 0},
      {{{3, 1}, {1, 1}, {2, 1}}, 3, 48, 0},
  };
  for (const ScaleRow& row : rows) {
    const CloseCommits plan = plan_close(1, 0, hash_of("preimage"), commits_with(row.commits));
    CHECK(plan.exponent == row.exponent);
    CHECK(plan.shift == row.shift);
    const auto excluded =
        std::count_if(plan.entries.begin(), plan.entries.end(),
                      [](const CloseEntry& e) { return e.verdict == Verdict::out_of_range; });
    CHECK(static_cast<std::size_t>(excluded) == row.excluded);
  }
}

TEST_CASE("close plan: the order depends on the seed and on everything that goes into it") {
  const auto commits = commits_with({{0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}, {0, 1}});
  auto changed = commits;
  changed[2].second.body.commitment = hash_of("another");
  const Hash preimage = hash_of("preimage");
  const std::set<Hash> seeds = {
      round_seed(1, 0, preimage, commits), round_seed(2, 0, preimage, commits),
      round_seed(1, 1, preimage, commits), round_seed(1, 0, hash_of("other"), commits),
      round_seed(1, 0, preimage, changed)};
  CHECK(seeds.size() == 5);
  CHECK(plan_close(1, 0, preimage, commits).entries != plan_close(2, 0, preimage, commits).entries);
}
