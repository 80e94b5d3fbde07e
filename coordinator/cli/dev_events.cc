#include "coordinator/cli/dev_events.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "contracts/amount.h"
#include "coordinator/cli/roster_text.h"
#include "ledger/model/metrics_json.h"

namespace gradmint {
namespace {

using nlohmann::json;

const std::map<std::string, EventKind> kKinds = {
    {"started", EventKind::started},         {"worker_registered", EventKind::worker_registered},
    {"waiting", EventKind::waiting},         {"round_opened", EventKind::round_opened},
    {"progress", EventKind::progress},       {"committed", EventKind::committed},
    {"closed", EventKind::closed},           {"revealed", EventKind::revealed},
    {"result", EventKind::result},           {"settled", EventKind::settled},
    {"abandoned", EventKind::abandoned},     {"warning", EventKind::warning},
    {"paused", EventKind::paused},           {"resumed", EventKind::resumed},
    {"finished", EventKind::finished},       {"dropped", EventKind::dropped},
    {"member_suspended", EventKind::member}, {"member_readmitted", EventKind::member},
    {"key_change_asked", EventKind::member}, {"key_changed", EventKind::member},
    {"worker_left", EventKind::member},      {"worker_silent", EventKind::member},
    {"worker_late", EventKind::member},      {"worker_back", EventKind::member},
    {"sums_stated", EventKind::sums},        {"waiting_for_sums", EventKind::sums},
    {"scaler_fixed", EventKind::sums}};

std::uint64_t amount_of(const json& value) {
  const auto amount = contracts::parse_amount(value.get<std::string>());
  if (!amount) throw std::invalid_argument("'" + value.get<std::string>() + "' is no amount");
  return *amount;
}

void read_result(const json& object, FederationEvent& event) {
  event.model_root = object.at("model_root").get<std::string>();
  for (const json& one : object.at("accepted"))
    event.accepted.push_back({one.at("worker").get<std::string>(), one.value("name", ""),
                              one.at("weight").get<std::uint64_t>(),
                              one.at("score_ppm").get<std::uint32_t>()});
  for (const json& one : object.at("rejected"))
    event.rejected.push_back({one.at("worker").get<std::string>(), one.value("name", ""),
                              one.at("reason").get<std::string>()});
}

void read_settled(const json& object, FederationEvent& event) {
  event.attestations = object.at("attestations").get<std::uint32_t>();
  event.metrics = summaries_of(object.at("metrics"));
  event.training = summaries_of(object.at("training"));
  if (object.contains("rmse"))
    event.own_unit = {object.at("target").get<std::string>(), object.at("rmse").get<double>()};
  for (const json& one : object.at("mints"))
    event.mints.push_back(
        {one.at("worker").get<std::string>(), one.value("name", ""), amount_of(one.at("amount"))});
}

std::string member_text(const json& object) {
  const std::string event = object.at("event").get<std::string>();
  if (event == "member_readmitted") return "is readmitted";
  if (event == "key_change_asked") return "is to have other keys";
  if (event == "key_changed") return "has other keys now";
  if (event == "worker_back") return "is back";
  const std::string age = duration_text(object.value("for_ms", std::uint64_t{0}));
  if (event == "worker_left") return "left: no connection for " + age;
  if (event == "worker_silent") return "is silent for " + age;
  const std::uint64_t round = object.value("round", std::uint64_t{0});
  if (event == "worker_late")
    return "holds " + (round == 0 ? "the scaler" : "round " + std::to_string(round)) +
           ": half of the others were done long ago";
  const std::string text = object.value("text", "");
  return "is suspended: " + (text.empty() ? object.at("reason").get<std::string>() : text);
}

std::string names_in(const json& workers) {
  constexpr std::size_t kNamed = 8;  // more are summed up
  std::string text;
  for (std::size_t i = 0; i < std::min(workers.size(), kNamed); ++i) {
    const std::string name = workers[i].value("name", "");
    text +=
        (i == 0 ? "" : ", ") + (name.empty() ? workers[i].at("worker").get<std::string>() : name);
  }
  if (workers.size() > kNamed) text += " and " + std::to_string(workers.size() - kNamed) + " more";
  return text;
}

std::string sums_text(const json& object) {
  const std::string event = object.at("event").get<std::string>();
  const auto number = [&](const char* key) {
    return std::to_string(object.at(key).get<std::uint64_t>());
  };
  if (event == "waiting_for_sums")
    return "waiting for the sums of " + names_in(object.at("missing"));
  if (event == "sums_stated") {
    const std::string name = object.value("name", "");
    return (name.empty() ? object.at("worker").get<std::string>() : name) +
           " stated its sums over " + number("rows") + " rows (" + number("stated") + " of " +
           number("members") + ")";
  }
  const json missing = object.value("missing", json::array());
  return "scaler fixed from " + number("sites") + (number("sites") == "1" ? " site" : " sites") +
         " with " + number("rows") + " rows" +
         (missing.empty() ? "" : ", without " + names_in(missing));
}

void read_counts(const json& object, const char* count, const char* of, FederationEvent& event) {
  event.count = object.at(count).get<std::uint64_t>();
  event.of = object.at(of).get<std::uint64_t>();
}

void read_fields(const json& object, FederationEvent& event) {
  event.round = object.value("round", std::uint64_t{0});
  event.rounds = object.value("rounds", std::uint64_t{0});
  event.height = object.value("height", std::uint64_t{0});
  event.attempt = object.value("attempt", std::uint64_t{0});
  event.worker = object.value("worker", "");
  event.name = object.value("name", "");
  switch (event.kind) {
    case EventKind::started:
      event.chain_id = object.at("chain_id").get<std::string>();
      break;
    case EventKind::waiting:
      read_counts(object, "workers", "needed", event);
      break;
    case EventKind::round_opened:
      event.of = object.at("members").get<std::uint64_t>();
      break;
    case EventKind::progress:
      event.done_ppm = object.at("done_ppm").get<std::uint32_t>();
      break;
    case EventKind::committed:
      read_counts(object, "committed", "members", event);
      break;
    case EventKind::closed:
      event.count = object.at("committed").get<std::uint64_t>();
      for (const json& one : object.value("missing", json::array())) {
        const std::string name = one.value("name", "");
        event.missing.push_back(name.empty() ? one.at("worker").get<std::string>() : name);
      }
      break;
    case EventKind::revealed:
      read_counts(object, "revealed", "committed", event);
      break;
    case EventKind::result:
      read_result(object, event);
      break;
    case EventKind::settled:
      read_settled(object, event);
      break;
    case EventKind::abandoned:
      event.text = object.at("reason").get<std::string>();
      break;
    case EventKind::member:
      event.text = member_text(object);
      break;
    case EventKind::sums:
      event.text = sums_text(object);
      break;
    case EventKind::dropped:
      event.count = object.at("lines").get<std::uint64_t>();
      break;
    case EventKind::warning:
      event.text = object.at("text").get<std::string>();
      break;
    default:
      break;
  }
}

}  // namespace

Result<FederationEvent> parse_event(std::string_view line) {
  try {
    const json object = json::parse(line);
    FederationEvent event;
    const auto kind = kKinds.find(object.at("event").get<std::string>());
    if (kind == kKinds.end()) return event;
    event.kind = kind->second;
    read_fields(object, event);
    return event;
  } catch (const std::exception& fault) {
    return Error{ErrorCode::bad_input, "the coordinator printed what is no event: '" +
                                           std::string(line.substr(0, 80)) + "': " + fault.what()};
  }
}

}  // namespace gradmint
