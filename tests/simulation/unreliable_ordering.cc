#include "tests/simulation/unreliable_ordering.h"

#include <algorithm>

namespace gradmint::simulation {
namespace {

constexpr std::uint64_t kLateMs = 10'000;     // at most
constexpr std::uint64_t kAskAgainMs = 2'000;  // then it takes another proposal

}  // namespace

// Of one that is late another may be made meanwhile, and come first.
Status UnreliableOrdering::propose(const Block& block) {
  busy_until_ms_ = agenda_.now_ms() + kAskAgainMs;
  if (chance_.happens(Fault::order_refuses)) return {};
  std::uint64_t due_ms = agenda_.now_ms();
  if (chance_.happens(Fault::order_late))
    due_ms += 1 + chance_.details(Fault::order_late).below(kLateMs);
  proposals_.push_back({due_ms, block});
  return {};
}

Result<std::optional<CertifiedBlock>> UnreliableOrdering::next(std::uint64_t above) {
  if (told_ && told_->block.header.height == above) {  // it stands
    busy_until_ms_ = 0;
    if (chance_.happens(Fault::order_repeats)) again_ = told_;
    told_.reset();
  }
  if (again_) return std::exchange(again_, std::nullopt);
  const auto outdated = [&](const Later& later) { return later.block.header.height != above + 1; };
  std::erase_if(proposals_, outdated);
  const auto first =
      std::min_element(proposals_.begin(), proposals_.end(),
                       [](const Later& a, const Later& b) { return a.due_ms < b.due_ms; });
  if (!told_ && first != proposals_.end() && first->due_ms <= agenda_.now_ms()) {
    const Block block = std::move(first->block);
    proposals_.erase(first);
    if (Status s = solo_->propose(block); !s) return s.error();
  }
  auto block = solo_->next(above);
  if (block.ok() && *block) told_ = *block;
  return block;
}

Standing UnreliableOrdering::standing() const { return {agenda_.now_ms() >= busy_until_ms_}; }

Status UnreliableOrdering::acknowledge(const Acknowledgement& acknowledgement) {
  std::uint64_t due_ms = agenda_.now_ms();
  if (chance_.happens(Fault::word_late))
    due_ms += 1 + chance_.details(Fault::word_late).below(kLateMs);
  words_.push_back({due_ms, acknowledgement});
  return {};
}

std::vector<Acknowledgement> UnreliableOrdering::acknowledged() {
  std::vector<Acknowledgement> due;
  std::erase_if(words_, [&](const LaterWord& word) {
    if (word.due_ms > agenda_.now_ms()) return false;
    due.push_back(word.acknowledgement);
    return true;
  });
  return due;
}

}  // namespace gradmint::simulation
