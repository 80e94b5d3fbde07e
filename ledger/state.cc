#include "ledger/state.h"

#include <algorithm>

namespace gradmint {

std::optional<Bytes> State::find(const std::string& key) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return std::nullopt;
  return it->second;
}

void State::scan_first(const std::string& prefix, std::size_t limit, const Visit& visit) const {
  for (auto it = entries_.lower_bound(prefix);
       limit > 0 && it != entries_.end() && it->first.compare(0, prefix.size(), prefix) == 0;
       ++it, --limit) {
    visit(it->first, it->second);
  }
}

SparseMerkleTree State::tree_after(const StateChanges& changes) const {
  SparseMerkleTree tree = tree_;
  for (const auto& [key, value] : changes) {
    tree = value ? tree.put(as_bytes(key), *value) : tree.remove(as_bytes(key));
  }
  return tree;
}

void State::apply(const StateChanges& changes, SparseMerkleTree tree) {
  for (const auto& [key, value] : changes) {
    if (value) {
      entries_[key] = *value;
    } else {
      entries_.erase(key);
    }
  }
  tree_ = std::move(tree);
}

void State::insert(const std::string& key, Bytes value) {
  tree_ = tree_.put(as_bytes(key), value);
  entries_[key] = std::move(value);
}

std::optional<Bytes> StateDelta::find(const std::string& key) const {
  const auto it = changes_.find(key);
  return it != changes_.end() ? it->second : base_.find(key);
}

void StateDelta::scan_first(const std::string& prefix, std::size_t limit,
                            const Visit& visit) const {
  const auto first = changes_.lower_bound(prefix);
  auto last = first;
  std::size_t removed = 0;
  for (; last != changes_.end() && last->first.compare(0, prefix.size(), prefix) == 0; ++last) {
    if (!last->second) ++removed;
  }
  std::map<std::string, Bytes> merged;
  const std::size_t most = std::numeric_limits<std::size_t>::max();
  base_.scan_first(prefix, limit > most - removed ? most : limit + removed,
                   [&](const std::string& k, const Bytes& v) { merged[k] = v; });
  for (auto it = first; it != last; ++it) {
    if (it->second) {
      merged[it->first] = *it->second;
    } else {
      merged.erase(it->first);
    }
  }
  for (const auto& [key, value] : merged) {
    if (limit-- == 0) return;
    visit(key, value);
  }
}

namespace state_key {
namespace {

std::string big_endian(std::uint64_t value, int size) {
  std::string out;
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string with(const std::string& prefix, const Hash& id) {
  return prefix + std::string(id.bytes.begin(), id.bytes.end());
}

}  // namespace

std::string account(const AccountId& id) { return with("a/", id); }
std::string dataset(const Hash& id) { return with("d/", id); }
std::string round(std::uint64_t number) { return "r/" + big_endian(number, 8); }
std::string commit_prefix(std::uint64_t number, std::uint32_t attempt) {
  return "c/" + big_endian(number, 8) + big_endian(attempt, 4);
}
std::string commit(std::uint64_t number, std::uint32_t attempt, const AccountId& worker) {
  return with(commit_prefix(number, attempt), worker);
}
std::string root(const Hash& id) { return with("u/", id); }
std::string evaluation_prefix(std::uint64_t number) { return "e/" + big_endian(number, 8); }
std::string evaluation(std::uint64_t number, const AccountId& evaluator) {
  return with(evaluation_prefix(number), evaluator);
}
std::string invitation(const Hash& code_hash) { return with("i/", code_hash); }
std::string curve_key(const Hash& key) { return with("k/", key); }
std::string seed_head(const AccountId& validator) { return with("v/", validator); }
std::string suspension(const AccountId& worker) { return with(kSuspensionPrefix, worker); }
std::string rotation(const AccountId& worker) { return with(kRotationPrefix, worker); }
std::string member(std::uint64_t registered_height, const AccountId& worker) {
  return with(kMemberPrefix + big_endian(registered_height, 8), worker);
}

}  // namespace state_key

Hash id_of_key(const std::string& key) {
  Hash id;
  GRADMINT_CHECK(key.size() >= id.bytes.size());
  std::copy(key.end() - static_cast<std::ptrdiff_t>(id.bytes.size()), key.end(), id.bytes.begin());
  return id;
}

TotalsRecord totals_of(const StateReader& state) {
  return get<TotalsRecord>(state, state_key::kTotals).value_or(TotalsRecord{});
}
JobRecord job_of(const StateReader& state) {
  return get<JobRecord>(state, state_key::kJob).value_or(JobRecord{});
}
std::optional<RoundRecord> current_round(const StateReader& state) {
  return get<RoundRecord>(state, state_key::round(job_of(state).round));
}

std::string optimizer_of_job(const StateReader& state) {
  const JobRecord job = job_of(state);
  if (job.optimizer_root.is_zero()) return {};
  for (std::uint64_t number = job.round; number > 0; --number) {
    const auto round = get<RoundRecord>(state, state_key::round(number));
    GRADMINT_CHECK(round.has_value());
    const bool stands =
        round->phase == RoundPhase::evaluating || round->phase == RoundPhase::settled;
    if (stands) return round->open.aggregation.optimizer.name;
  }
  return {};
}

std::vector<AccountId> members_of(const StateReader& state) {
  std::vector<AccountId> members;
  state.scan_first(
      state_key::kMemberPrefix, kMaxMembers,
      [&](const std::string& key, const Bytes&) { members.push_back(id_of_key(key)); });
  std::sort(members.begin(), members.end());
  return members;
}

void index_member(StateDelta& state, const AccountId& worker, const AccountRecord& account) {
  const std::string key = state_key::member(account.registered_height, worker);
  const bool is_member = account.is_worker && account.datasets > 0 &&
                         !state.find(state_key::suspension(worker)).has_value();
  if (state.find(key).has_value() == is_member) return;
  if (is_member) {
    state.put(key, {1});
  } else {
    state.remove(key);
  }
}

std::vector<std::pair<AccountId, CommitRecord>> commits_of(const StateReader& state,
                                                           std::uint64_t round,
                                                           std::uint32_t attempt) {
  std::vector<std::pair<AccountId, CommitRecord>> commits;
  state.scan(state_key::commit_prefix(round, attempt),
             [&](const std::string& key, const Bytes& value) {
               auto record = decode_record<CommitRecord>(value);
               GRADMINT_CHECK(record.has_value());
               commits.emplace_back(id_of_key(key), *std::move(record));
             });
  std::sort(commits.begin(), commits.end(),
            [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
  return commits;
}

}  // namespace gradmint
