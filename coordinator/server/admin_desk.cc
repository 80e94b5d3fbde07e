#include "coordinator/server/admin_desk.h"

#include "contracts/amount.h"
#include "coordinator/cli/rules_json.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/kernel_spec.h"

namespace gradmint {

using nlohmann::json;

namespace {

json failure(const std::string& text) { return {{"ok", false}, {"error", text}}; }

std::string_view station_name(const RoundMachine& machine) {
  switch (machine.station()) {
    case Station::waiting:
      return machine.paused() ? "paused" : "waiting";
    case Station::summing:
      return machine.paused() ? "paused" : "summing";
    case Station::training:
      return "training";
    case Station::revealing:
      return "revealing";
    case Station::aggregating:
      return "aggregating";
    case Station::evaluating:
      return "evaluating";
    case Station::finished:
      return "finished";
  }
  return "";
}

}  // namespace

AdminReply reply_of(const TransactionResult& result) {
  return {json_text(json{{"ok", true},
                         {"verdict", verdict_name(static_cast<Verdict>(result.verdict))},
                         {"height", result.height},
                         {"txid", to_hex(result.txid)}})};
}

std::optional<AdminReply> AdminDesk::answer(const AdminRequest& request, std::uint64_t ticket,
                                            std::uint64_t now_ms) {
  const auto parsed = parse_untrusted_json(request.json);
  const json asked = parsed && parsed->is_object() ? *parsed : json::object();
  const std::string op = text_member(asked, "op").value_or("");
  if (op == "status") return AdminReply{json_text(status(now_ms))};
  if (op == "pause") return AdminReply{json_text(pause(now_ms))};
  if (op == "resume") return AdminReply{json_text(resume(now_ms))};
  if (op == "stop") return AdminReply{json_text(stop())};
  if (op == "account") return AdminReply{json_text(account(asked))};
  if (op == "members") return AdminReply{json_text(members(asked, now_ms))};
  if (op == "workers") return AdminReply{json_text(workers(asked, now_ms))};
  if (op == "submit" || op == "suspend" || op == "readmit" || op == "rotate") {
    const auto reply = op == "submit" ? submit(asked, ticket) : say_about_member(op, asked, ticket);
    if (!reply) return std::nullopt;
    return AdminReply{json_text(*reply)};
  }
  return AdminReply{json_text(failure("unknown operation '" + op + "'"))};
}

namespace {

// "round 3 is under way (training)", or nothing.
std::string round_under_way(const RoundMachine& machine) {
  if (machine.station() == Station::waiting || machine.station() == Station::summing ||
      machine.station() == Station::finished)
    return "";
  return "round " + std::to_string(machine.view().round->round) + " is under way (" +
         std::string(station_name(machine)) + ")";
}

}  // namespace

// "text" is what happened, in one line for a person.
json AdminDesk::pause(std::uint64_t now_ms) {
  const bool already = driver_.machine().paused();
  if (driver_.step(now_ms, PauseRequested{}) == Verdict::ok) reporter_.emit({{"event", "paused"}});
  const std::string under_way = round_under_way(driver_.machine());
  const std::string now = already ? "it was paused already" : "paused";
  if (driver_.finished())
    return {{"ok", true}, {"text", now + "; all rounds are settled, there is nothing to hold"}};
  return {
      {"ok", true},
      {"text", now + ": " +
                   (under_way.empty() ? "no round is under way, and none will open"
                                      : under_way + " and is brought to its end; no other opens") +
                   " before gradmint coordinator resume"}};
}

json AdminDesk::resume(std::uint64_t now_ms) {
  const bool was_paused = driver_.machine().paused();
  driver_.resume();
  if (driver_.step(now_ms, ResumeRequested{}) == Verdict::ok)
    reporter_.emit({{"event", "resumed"}});
  const RoundMachine& machine = driver_.machine();
  const std::string under_way = round_under_way(machine);
  const std::size_t present = machine.present_count(now_ms);
  std::string text = was_paused ? "resumed: " : "it was not paused: ";
  if (driver_.finished()) {
    text += "all rounds are settled";
  } else if (!under_way.empty()) {
    text += under_way;
  } else {
    const std::size_t needed = machine.needed_count();
    text += "the next round waits until " +
            (needed == 1 ? "a worker is present"
                         : "at least " + std::to_string(needed) + " workers are present") +
            "; now there " + (present == 1 ? "is " : "are ") + std::to_string(present);
  }
  return {{"ok", true}, {"text", text}};
}

json AdminDesk::stop() {
  stop_requested_ = true;
  const std::string under_way = round_under_way(driver_.machine());
  return {{"ok", true},
          {"text", "stopping: " +
                       (under_way.empty() ? "no round is under way"
                                          : under_way + " and goes on where it stands") +
                       (driver_.finished() ? "" : "; workers wait for gradmint coordinator run")}};
}

json AdminDesk::status(std::uint64_t now_ms) const {
  const Chain& chain = orderer_.chain();
  const RoundMachine& machine = driver_.machine();
  const auto& round = machine.view().round;
  const TotalsRecord totals = totals_of(chain.state());
  json reply = {{"ok", true},
                {"chain_id", to_hex(chain.chain_id())},
                {"name", chain.genesis().name},
                {"height", chain.height()},
                {"state_root", to_hex(chain.tip().state_root)},
                {"round", round ? round->round : 0},
                {"attempt", round ? round->attempt : 0},
                {"rounds", machine.policy().rounds},
                {"phase", station_name(machine)},
                {"paused", machine.paused()},
                {"workers", machine.view().members.size()},
                {"present", machine.present_count(now_ms)},
                {"min_workers", machine.policy().min_workers},
                {"committed", machine.view().commits.size()},
                {"revealed", machine.stored_count()},
                {"minted", contracts::format_amount(totals.minted)},
                {"backend", driver_.backend_name()},
                {"aggregation", rules_json(machine.policy().aggregation)},
                {"encoding", kernels::name_of(kernel_encoding(machine.policy().encoding))},
                {"missing", roster_.missing(now_ms)},
                {"join", endpoints_.join},
                {"work", endpoints_.work},
                {"public", endpoints_.invitations_name}};
  if (!driver_.halted().empty()) reply["halted"] = driver_.halted();
  return reply;
}

json AdminDesk::account(const json& asked) const {
  const auto id = asked.contains("account") && asked["account"].is_string()
                      ? hash_from_hex(asked["account"].get<std::string>())
                      : std::nullopt;
  if (!id) return failure("'account' must be 64 hexadecimal digits");
  const Chain& chain = orderer_.chain();
  const auto record = get<AccountRecord>(chain.state(), state_key::account(*id));
  return {{"ok", true},
          {"nonce", record ? record->nonce : 0},
          {"balance", record ? contracts::format_amount(record->balance) : "0"},
          {"height", chain.height()},
          {"exists", record.has_value()},
          {"registered", record && record->is_worker},
          {"tip_height", chain.height()},
          {"tip_hash", to_hex(chain.tip_hash())},
          {"chain_id", to_hex(chain.chain_id())}};
}

std::optional<json> AdminDesk::submit(const json& asked, std::uint64_t ticket) {
  const auto bytes = asked.contains("transaction") && asked["transaction"].is_string()
                         ? from_hex(asked["transaction"].get<std::string>())
                         : std::nullopt;
  if (!bytes) return failure("'transaction' must be hexadecimal");
  const DeskAnswer answer = join_.submit(*bytes, ticket, {Hash{}, true}, std::nullopt);
  if (!answer.message) return std::nullopt;
  if (const auto* result = std::get_if<TransactionResult>(&*answer.message)) {
    return json::parse(reply_of(*result).json);
  }
  return failure(std::get<Refusal>(*answer.message).detail);
}

}  // namespace gradmint
