// Whether this goes wrong now. Every question has a number of its own among those of its kind, and
// its answer follows from the seed, the kind and the number alone: to leave one fault out changes
// no other, so a failing run can be reduced to the faults that it needs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "worker/seeded.h"

namespace gradmint::simulation {

enum class Fault : std::uint8_t {
  drop,            // a message
  repeat,          // a message
  cut,             // a message's frames are cut short
  delay,           // a message comes much later, overtaken by others
  disconnect,      // at a message
  kill,            // a process, at a turn: what it wrote stays
  power_cut,       // a machine, at a disk operation: what was not synced may be lost
  disk_full,       // from a disk operation on, for a while
  judge_fails,     // an evaluation
  train_fails,     // a training
  clock_jumps,     // the time of the day
  owner_pauses,    // the job, for a while
  owner_suspends,  // a member, and readmits it later
  order_refuses,   // a proposal, without a word
  order_late,      // a block; another may be proposed meanwhile
  order_repeats,   // a block
  word_late,       // that an update is held by as many as its receipt promises
};
inline constexpr std::size_t kFaultKinds = 17;
std::string_view fault_name(Fault fault);

struct FaultAt {
  Fault fault = Fault::drop;
  std::uint64_t number = 0;  // of the question, among those of its kind
  auto operator<=>(const FaultAt&) const = default;
};
std::string text_of(const FaultAt& fault);  // "drop#17"
std::optional<FaultAt> fault_of(std::string_view text);

// How often each happens, in millionths.
using FaultRates = std::array<std::uint32_t, kFaultKinds>;

class Chance {
 public:
  // `only`: of what the seed says, none but these happen. Null: all. `forced` happens whatever the
  // seed says.
  Chance(std::uint64_t seed, const FaultRates& rates, const std::set<FaultAt>* only,
         const std::optional<FaultAt>& forced)
      : seed_(seed), rates_(rates), only_(only), forced_(forced) {}

  bool happens(Fault fault) {
    const auto kind = static_cast<std::size_t>(fault);
    const std::uint64_t number = ++asked_[kind];
    if (forced_ && *forced_ == FaultAt{fault, number}) {
      happened_.push_back(*forced_);
      return true;
    }
    if (!stormy_ || rates_[kind] == 0) return false;
    if (Seeded(seed_, 1000 + kind, number).below(1'000'000) >= rates_[kind]) return false;
    if (only_ != nullptr && !only_->contains({fault, number})) return false;
    happened_.push_back({fault, number});
    return true;
  }
  // A stream of its own for whatever else a fault needs to know.
  Seeded details(Fault fault) const {
    const auto kind = static_cast<std::size_t>(fault);
    return Seeded(seed_, 2000 + kind, asked_[kind]);
  }
  // From now on nothing goes wrong any more.
  void calm_down() { stormy_ = false; }
  bool stormy() const { return stormy_; }
  const std::vector<FaultAt>& happened() const { return happened_; }

 private:
  std::uint64_t seed_;
  FaultRates rates_;
  const std::set<FaultAt>* only_;
  std::optional<FaultAt> forced_;
  bool stormy_ = true;
  std::array<std::uint64_t, kFaultKinds> asked_{};
  std::vector<FaultAt> happened_;
};

}  // namespace gradmint::simulation
