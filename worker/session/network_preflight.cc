#include "worker/session/network_preflight.h"

#include <algorithm>
#include <chrono>

#include "coordinator/protocol/client_transport.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/invitation.h"
#include "kernels/base/printable.h"
#include "ledger/block.h"
#include "ledger/genesis.h"
#include "ledger/hash.h"
#include "ledger/scaler.h"
#include "worker/session/scaler_work.h"

namespace gradmint::session {
namespace {

namespace fs = std::filesystem;
template <class Clock>
std::int64_t ms_of() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch())
      .count();
}

// Sends one question and expects one kind of answer.
template <class Answer>
Result<Answer> ask(ClientTransport& transport, const Message& question, int timeout_ms) {
  auto answer = transport.request(question, timeout_ms);
  if (!answer) return answer.error();
  if (const auto* expected = std::get_if<Answer>(&answer->message)) return *expected;
  return Error{ErrorCode::io, "the coordinator answered with another message than was due"};
}

CheckLine check_newest_block(ClientTransport& transport, std::uint64_t tip, std::int64_t unix_ms,
                             int timeout_ms) {
  auto headers = ask<Headers>(transport, GetHeaders{tip, 1}, timeout_ms);
  if (!headers) return {"blocks", false, headers.error().message};
  if (headers->headers.empty()) return {"blocks", true, "no block yet"};
  const auto header = decode_record<Header>(headers->headers.front().header);
  if (!header) return {"blocks", false, "the coordinator's newest header is damaged"};
  const std::int64_t age_ms = unix_ms - static_cast<std::int64_t>(header->time_ms);
  return {"blocks", true,
          "the newest block is " + std::to_string(std::max<std::int64_t>(age_ms, 0) / 1000) +
              " s old by the coordinator's clock"};
}

std::optional<GenesisRecord> hear_genesis(ClientTransport& transport, const NetworkPreflight& plan,
                                          std::vector<CheckLine>& lines) {
  const auto answer = transport.request(GetGenesis{}, plan.timeout_ms);
  std::string fault;
  if (!answer) {
    fault = answer.error().message;
  } else {
    const ByteView bytes = answer->payload.view();
    auto genesis = decode_record<GenesisRecord>(bytes);
    if (genesis && genesis->chain_id() == plan.connection.chain_id) return *std::move(genesis);
    fault = genesis_schema_fault(bytes);
    if (fault.empty()) fault = "the coordinator's genesis is not that of the invitation's chain";
  }
  lines.push_back({"genesis", false, fault});
  return std::nullopt;
}

// Where the sites give it and have: by it the data are compared. Nothing where it is not fixed.
std::vector<ScalerBits> hear_scaler(ClientTransport& transport, const NetworkPreflight& plan,
                                    const GenesisRecord& genesis, std::vector<CheckLine>& lines) {
  if (summed_columns(genesis.task) == 0) return {};
  const auto answer = transport.request(GetScaler{}, plan.timeout_ms);
  const auto* message = answer ? std::get_if<FixedScaler>(&answer->message) : nullptr;
  if (message == nullptr) {
    const auto* refusal = answer ? std::get_if<Refusal>(&answer->message) : nullptr;
    if (refusal != nullptr && refusal->code == RefusalCode::not_now) {
      lines.push_back({"scaler", true, "not fixed yet: joining now, this site is counted"});
    } else {
      lines.push_back({"scaler", false,
                       "the coordinator does not say which: " +
                           (!answer              ? answer.error().message
                            : refusal != nullptr ? printable(refusal->detail)
                                                 : std::string("another answer came"))});
    }
    return {};
  }
  auto proven = prove_scaler(*message, answer->payload.view(), genesis);
  if (!proven) {
    lines.push_back({"scaler", false, "the coordinator's scaler is not proven: ask its operator"});
    return {};
  }
  lines.push_back({"scaler", true,
                   "fixed from " + std::to_string(proven->statement.sites.size()) + " sites with " +
                       std::to_string(proven->statement.rows) + " rows"});
  return std::move(proven->statement.columns);
}

// Whether the invitation would admit this worker, which no longer needs one once it is registered.
CheckLine check_invitation(ClientTransport& transport, const NetworkPreflight& plan) {
  const auto state =
      ask<InvitationState>(transport, GetInvitation{sha256(plan.connection.code)}, plan.timeout_ms);
  if (!state) return {"invite", false, state.error().message};
  switch (state->use) {
    case InvitationUse::unused:
      return {"invite", true, "not used yet; it admits one worker"};
    case InvitationUse::used:
      return {"invite", false,
              "used up by " + address_of(state->used_by) +
                  ": if that is this worker, give the --home it joined from; else ask the "
                  "coordinator's operator for another (gradmint coordinator invite)"};
    case InvitationUse::revoked:
      return {"invite", false,
              "invitation revoked by the coordinator's operator: ask for another (gradmint "
              "coordinator invite)"};
    case InvitationUse::unknown:
      break;
  }
  return {"invite", false,
          "this coordinator did not issue it: ask its operator for one (gradmint coordinator "
          "invite)"};
}

CheckLine check_registered(ClientTransport& transport, const NetworkPreflight& plan, bool admitted,
                           bool& registered) {
  registered = false;
  if (!plan.account) {
    return {"enrolled", true, "no key yet; joining makes one and registers it"};
  }
  auto account = ask<AccountState>(transport, GetAccount{*plan.account}, plan.timeout_ms);
  if (!account) return {"enrolled", false, account.error().message};
  const std::string who = address_of(*plan.account);
  registered = account->registered;
  if (!registered) return {"enrolled", true, who + " is not registered; joining does it"};
  if (!account->suspension.empty()) {
    return {"enrolled", false,
            who + " is suspended by the coordinator's operator: " + account->suspension};
  }
  if (!admitted) {
    return {"enrolled", false,
            who + " is registered with another connection key: restore keys/curve.json"};
  }
  return {"enrolled", true, who + " is registered and admitted"};
}

}  // namespace

Result<NetworkPreflight> plan_network_preflight(const fs::path& home, const std::string& invitation,
                                                const std::string& moved_to) {
  NetworkPreflight plan;
  if (!invitation.empty()) {
    auto parsed = parse_invitation(invitation);
    if (!parsed) return parsed.error();
    plan.connection = {parsed->join_endpoint, parsed->coordinator_curve_key, parsed->chain_id,
                       parsed->code};
  } else {
    auto connection = read_connection(home);
    if (!connection) return connection.error();
    plan.connection = *connection;
  }
  if (!moved_to.empty()) {
    if (Status s = check_reachable(moved_to); !s) return s.error();
    plan.connection.join_endpoint = moved_to;
  }
  plan.curve = new_curve_key_pair();
  if (fs::exists(home / "keys" / "curve.json")) {
    auto curve = read_curve(home);
    if (!curve) return curve.error();
    plan.curve = *curve;
  }
  if (fs::exists(home / "keys" / "worker.json")) {
    auto account = read_account(home);
    if (!account) return account.error();
    plan.account = *account;
  }
  return plan;
}

NetworkFindings check_network(const NetworkPreflight& plan) {
  NetworkFindings findings;
  std::vector<CheckLine>& lines = findings.lines;
  const auto unreachable = [](const Error& error) {
    return NetworkFindings{
        {{"network", false,
          error.message +
              "; if it has moved, give its new address: --coordinator tcp://HOST:PORT"}},
        std::nullopt,
        std::nullopt};
  };
  ClientOptions options;
  options.endpoint = plan.connection.join_endpoint;
  options.server_key = plan.connection.coordinator_key;
  options.key = plan.curve;
  auto transport = ClientTransport::connect(options);
  if (!transport) return unreachable(transport.error());
  auto welcome =
      ask<Welcome>(**transport, Hello{plan.connection.chain_id, "preflight"}, plan.timeout_ms);
  if (!welcome) return unreachable(welcome.error());
  const auto coordinator_ms = static_cast<std::int64_t>(welcome->unix_ms);
  findings.clock = check_clock(coordinator_ms);
  const std::int64_t before = ms_of<std::chrono::steady_clock>();
  const auto pong = ask<Pong>(**transport, Ping{}, plan.timeout_ms);
  if (!pong) return unreachable(pong.error());
  const std::int64_t round_trip = ms_of<std::chrono::steady_clock>() - before;
  lines.push_back(
      {"network", true,
       plan.connection.join_endpoint + " answers in " + std::to_string(round_trip) + " ms"});
  if (welcome->chain_id != plan.connection.chain_id) {
    lines.push_back({"chain", false,
                     "the coordinator runs " + to_hex(welcome->chain_id) +
                         ", the invitation is for " + to_hex(plan.connection.chain_id) +
                         "; ask for a new one"});
    return findings;
  }
  lines.push_back({"chain", true, "height " + std::to_string(welcome->tip_height)});
  findings.genesis = hear_genesis(**transport, plan, lines);
  if (findings.genesis) findings.scaler = hear_scaler(**transport, plan, *findings.genesis, lines);
  lines.push_back(
      check_newest_block(**transport, welcome->tip_height, coordinator_ms, plan.timeout_ms));
  bool registered = false;
  lines.push_back(check_registered(**transport, plan, welcome->admitted, registered));
  const bool by_invitation =
      findings.genesis && findings.genesis->enrolment == Enrolment::invitation;
  if (by_invitation && !registered) lines.push_back(check_invitation(**transport, plan));
  return findings;
}

}  // namespace gradmint::session
