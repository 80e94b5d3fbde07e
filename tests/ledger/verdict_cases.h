// Every refusal of the ledger as a row: where the script stands, what is tried, the verdict.
#pragma once

#include <functional>

#include "tests/ledger/world.h"

namespace gradmint::test {

// How far the script has been played before the attempt.
enum class Stage { fresh, enrolled, opened, committed, closed, resulted, attested, settled };
inline constexpr int kStages = 8;

struct Case {
  std::string_view what;
  Stage stage;
  std::function<Verdict(World&)> attempt;
  Verdict expected;
};

std::vector<Case> envelope_cases();
std::vector<Case> account_cases();
std::vector<Case> text_cases();
std::vector<Case> quota_cases();
std::vector<Case> member_cases();
std::vector<Case> round_cases();
std::vector<Case> scaler_cases();
std::vector<Case> result_cases();
std::vector<Case> settlement_cases();
std::vector<Case> block_cases();

}  // namespace gradmint::test
