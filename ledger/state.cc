#include "ledger/state.h"

#include <algorithm>

namespace gradmint {

std::optional<Bytes> State::find(const std::string& key) const {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return std::nullopt;
  return it->second;
}

void State::scan(const std::string& prefix,
                 const std::function<void(const std::string&, const Bytes&)>& visit) const {
  for (auto it = entries_.lower_bound(prefix);
       it != entries_.end() && it->first.compare(0, prefix.size(), prefix) == 0; ++it) {
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

void StateDelta::scan(const std::string& prefix,
                      const std::function<void(const std::string&, const Bytes&)>& visit) const {
  std::map<std::string, Bytes> merged;
  base_.scan(prefix, [&](const std::string& k, const Bytes& v) { merged[k] = v; });
  for (auto it = changes_.lower_bound(prefix);
       it != changes_.end() && it->first.compare(0, prefix.size(), prefix) == 0; ++it) {
    if (it->second) {
      merged[it->first] = *it->second;
    } else {
      merged.erase(it->first);
    }
  }
  for (const auto& [key, value] : merged) visit(key, value);
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
  std::vector<std::pair<std::uint64_t, AccountId>> workers;  // (registered at, who)
  state.scan(state_key::kAccountPrefix, [&](const std::string& key, const Bytes& value) {
    const auto account = decode_record<AccountRecord>(value);
    GRADMINT_CHECK(account.has_value());
    if (account->is_worker && account->datasets > 0) {
      workers.emplace_back(account->registered_height, id_of_key(key));
    }
  });
  if (workers.size() > kMaxMembers) {
    std::sort(workers.begin(), workers.end());
    workers.resize(kMaxMembers);
  }
  std::vector<AccountId> members;
  for (const auto& [height, worker] : workers) members.push_back(worker);
  std::sort(members.begin(), members.end());
  return members;
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
