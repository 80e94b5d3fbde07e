// The scaler from the sites: their statements, and what ends them.
#include <algorithm>

#include "ledger/apply.h"
#include "ledger/scaler.h"

namespace gradmint::apply {

Verdict state_sums(const StateSums& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state) {
  if (context.summed_columns == 0) return Verdict::not_asked;
  if (fixed_scaler(state)) return Verdict::late;
  if (state.find(state_key::suspension(sender))) return Verdict::suspended;
  const std::string key = state_key::sums(sender);
  if (state.find(key)) return Verdict::duplicate;
  const auto dataset = get<DatasetRecord>(state, state_key::dataset(body.dataset));
  if (!dataset || dataset->owner != sender) return Verdict::unknown_dataset;
  if (body.rows < kLeastSummedRows) return Verdict::too_few_rows;
  if (body.rows > std::min(dataset->manifest.sample_count, kMaxSummedRows)) {
    return Verdict::too_many_examples;
  }
  if (body.columns.size() != context.summed_columns) return Verdict::wrong_columns;
  for (const ColumnSums& column : body.columns) {
    if (!sums_are_possible(column, body.rows)) return Verdict::impossible_sums;
  }
  put(state, key, SumsRecord{body, context.height});
  return Verdict::ok;
}

Verdict fix_scaler(const FixScaler& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state) {
  const auto account = get<AccountRecord>(state, state_key::account(sender));
  if (!account || !account->is_validator) return Verdict::not_authorised;
  if (context.summed_columns == 0) return Verdict::not_asked;
  if (fixed_scaler(state)) return Verdict::duplicate;
  if (body.sites != stated_members(state)) return Verdict::wrong_members;
  if (body.sites.size() < body.least_sites) return Verdict::too_few_sites;
  const FixScaler plan = plan_scaler(state, body.least_sites);
  if (body.rows != plan.rows || body.columns != plan.columns) return Verdict::wrong_scaler;
  // The blocks keep what was stated.
  std::vector<std::string> keys;
  state.scan(state_key::kSumsPrefix,
             [&](const std::string& key, const Bytes&) { keys.push_back(key); });
  for (const std::string& key : keys) state.remove(key);
  const auto sites = static_cast<std::uint32_t>(body.sites.size());
  put(state, state_key::kScaler, ScalerRecord{context.height, sites, body.rows, body.columns});
  return Verdict::ok;
}

}  // namespace gradmint::apply
