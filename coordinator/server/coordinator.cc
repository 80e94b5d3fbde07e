#include "coordinator/server/coordinator.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "contracts/amount.h"
#include "coordinator/protocol/descriptors.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/server/checkpoint.h"
#include "coordinator/server/fixed_settings.h"
#include "gradmint_revision.h"
#include "ledger/durable_file.h"
#include "ledger/json_text.h"

namespace gradmint {
namespace {

constexpr int kTickMs = 50;
constexpr int kMaxBlocksPerTurn = 16;
constexpr std::uint64_t kFarewellMs = 1000;
constexpr std::uint64_t kEvidenceMs = 5000;
constexpr std::uint64_t kLookMs = 250;

std::uint64_t wall_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

constexpr const char* kZeroScoreRemark =
    " (no agreement with the others this round: normal where a model has converged)";

// 912345 -> "0.912".
std::string score_text(std::uint32_t ppm) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(ppm) / 1e6);
  return text;
}

Status write_endpoints(const Home& home, const ServerTransport& transport,
                       const std::string& invitations_name) {
  const nlohmann::json json = {{"join", transport.join_endpoint()},
                               {"work", transport.work_endpoint()},
                               {"public", invitations_name}};
  return replace_file(home.endpoints(), as_bytes(json_text(json) + "\n"), 0600);
}

}  // namespace

Result<std::unique_ptr<Coordinator>> Coordinator::open(const Home& home, const Settings& settings,
                                                       const SecretKey& validator,
                                                       Reporter reporter) {
  if (Status enough = enough_descriptors(); !enough) return enough.error();
  auto lock = lock_home(home);
  if (!lock) return lock.error();
  auto curve = read_curve_key(home.curve_key());
  if (!curve) return curve.error();
  auto orderer = Orderer::open(home.ledger(), SignGuard(home.signed_block()), validator);
  if (!orderer) return orderer.error();
  const GenesisRecord& genesis = (*orderer)->chain().genesis();
  auto layout = load_layout(home, genesis.task);
  if (!layout) return layout.error();
  if (Status same = check_fixed_settings(settings, genesis, *layout); !same) return same.error();
  ServerOptions options;
  options.key = *curve;
  options.join_endpoint = settings.join_endpoint;
  options.work_endpoint = settings.work_endpoint;
  auto admin_socket = AdminSocket::in(home.run());
  if (!admin_socket) return admin_socket.error();
  options.admin_socket = admin_socket->path();
  auto transport = ServerTransport::bind(options);
  if (!transport) return transport.error();
  std::unique_ptr<Coordinator> coordinator(
      new Coordinator(home, settings, *std::move(lock), *std::move(admin_socket),
                      *std::move(orderer), *std::move(transport), std::move(reporter)));
  if (Status started = coordinator->start(); !started) return started.error();
  return coordinator;
}

Coordinator::Coordinator(const Home& home, const Settings& settings, DirectoryLock lock,
                         AdminSocket admin_socket, std::unique_ptr<Orderer> orderer,
                         std::unique_ptr<ServerTransport> transport, Reporter reporter)
    : lock_(std::move(lock)),
      admin_socket_(std::move(admin_socket)),
      home_(home),
      settings_(settings),
      reporter_(std::move(reporter)),
      orderer_(std::move(orderer)),
      transport_(std::move(transport)),
      admissions_(*transport_),
      driver_(settings_, home_, *orderer_, reporter_, [this] { wake(); }),
      history_(*orderer_, reporter_, home_),
      join_(*orderer_, Invitations(home_.invitations()), GRADMINT_REVISION),
      work_(*orderer_, driver_, reporter_, home_),
      roster_(*orderer_, driver_, reporter_),
      admin_(*orderer_, driver_, join_, roster_, reporter_,
             {transport_->join_endpoint(), transport_->work_endpoint(),
              public_endpoint(settings_.public_join, settings_.configured_join,
                              transport_->join_endpoint())}) {}

std::uint64_t Coordinator::now_ms() const {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

Status Coordinator::start() {
  admissions_.start(orderer_->chain().state());
  if (Status s = driver_.start(now_ms()); !s) return s;
  roster_.start(now_ms());
  const std::string& invitations_name = admin_.endpoints().invitations_name;
  if (Status s = write_endpoints(home_, *transport_, invitations_name); !s) return s;
  reporter_.emit({{"event", "started"},
                  {"join", transport_->join_endpoint()},
                  {"work", transport_->work_endpoint()},
                  {"public", invitations_name},
                  {"chain_id", to_hex(orderer_->chain().chain_id())},
                  {"height", orderer_->chain().height()},
                  {"rounds", settings_.rounds},
                  {"backend", driver_.backend_name()}});
  reporter_.round_under_way(orderer_->chain().state(), settings_.rounds);
  return Status{};
}

Status Coordinator::run(const std::atomic<bool>& stop) {
  spdlog::info("running in {} at height {}", home_.root.string(), orderer_->chain().height());
  Status status = driver_.try_evaluator(stop);
  while (status.ok() && !stop && !admin_.stop_requested()) {
    status = turn(kTickMs);
    tell_standing();
    if (driver_.finished() && settings_.exit_when_finished) break;
    if (!driver_.halted().empty() && settings_.exit_when_finished) {
      status = Error{ErrorCode::refused, driver_.halted()};
    }
  }
  Notice notice;
  notice.kind = driver_.finished() ? NoticeKind::finished : NoticeKind::stopping;
  notice.text =
      driver_.finished() ? "all rounds are settled" : "the coordinator stops; it can be resumed";
  notify_all(notice);
  // Workers that hear of the end ask for their balance: a moment more for them.
  const std::uint64_t until_ms = now_ms() + (driver_.finished() ? kFarewellMs : 0);
  while (status.ok() && !stop && now_ms() < until_ms) status = turn(kTickMs);
  std::error_code ignored;
  std::filesystem::remove(home_.endpoints(), ignored);
  return status;
}

Status Coordinator::turn(int timeout_ms) {
  ServerBatch batch = transport_->poll(timeout_ms);
  for (const TransportEvent& event : batch.events) {
    spdlog::info("{}", event.text);
    reporter_.warn(event.text);
  }
  for (const Inbound& inbound : batch.inbound) {
    dispatch(inbound);
    if (!work_.storage_failure().empty()) {
      return Error{ErrorCode::io, work_.storage_failure() + "; everything acknowledged is safe"};
    }
  }
  if (history_.conflict()) return keep_still();
  driver_.drain(now_ms());
  driver_.step(now_ms(), Tick{});
  if (history_.members_heard(now_ms())) {
    if (Status s = order(); !s) return s;
  }
  work_.round_moved_on();
  if (driver_.take_announcement()) announce();
  return Status{};
}

// Nothing is signed any more. Whoever holds another history has a moment to fetch this one's
// headers, so that its evidence is whole, and to say so.
Status Coordinator::keep_still() {
  if (still_since_ms_ == 0) still_since_ms_ = now_ms();
  if (now_ms() < still_since_ms_ + kEvidenceMs) return Status{};
  return *history_.conflict();
}

void Coordinator::dispatch(const Inbound& inbound) {
  spdlog::trace("{} from {}", kind_of(inbound.message).name, inbound.address);
  const std::uint64_t ticket = next_ticket_++;
  if (const auto* request = std::get_if<AdminRequest>(&inbound.message)) {
    if (auto answer = admin_.answer(*request, ticket, now_ms())) {
      transport_->reply(inbound, *answer);
    } else {
      waiting_.emplace(ticket, inbound);
    }
    return;
  }
  if (const auto* hello = std::get_if<Hello>(&inbound.message)) {
    if (const auto refusal = history_.hear(*hello, inbound)) {
      return reply(inbound, {*refusal, {}});
    }
  }
  if (const auto* report = std::get_if<ReportFork>(&inbound.message)) {
    return reply(inbound, {history_.answer(*report, inbound), {}});
  }
  if (inbound.peer.entrance == kAtWork) {
    roster_.heard(inbound);
    if (auto answers = work_.answer(inbound, now_ms())) {
      for (DeskAnswer& answer : *answers) reply(inbound, std::move(answer));
      return;
    }
  }
  const bool admitted = transport_->is_admitted(inbound.curve_key);
  const auto answer = join_.answer(inbound, ticket, admitted, transport_->work_endpoint());
  if (!answer) {
    transport_->reply(inbound, refuse(RefusalCode::not_accepted_here, "nobody here answers that"));
  } else if (answer->message) {
    reply(inbound, *answer);
  } else {
    waiting_.emplace(ticket, inbound);
  }
}

void Coordinator::reply(const Inbound& inbound, DeskAnswer answer) {
  // A peer that is gone or does not read loses its answer, and asks again.
  if (answer.message) transport_->reply(inbound, *answer.message, std::move(answer.payload));
}

Status Coordinator::order() {
  for (int i = 0; i < kMaxBlocksPerTurn; ++i) {
    const bool empty = driver_.take_empty_block();
    if (!orderer_->has_work() && !empty) return Status{};
    auto block = orderer_->make_block(wall_ms(), empty);
    if (!block) return block.error();
    if (Status s = own_refusals(*block); !s) return s;
    if (block->committed) admissions_.follow(*block, orderer_->chain().state());
    settle_tickets(*block);
    for (const Ordered& ordered : block->outcomes) driver_.note_refusal(now_ms(), ordered);
    for (const Ordered& ordered : block->outcomes) {
      spdlog::debug("{} of {}: {}", tx_type_name(ordered.transaction.transaction.type),
                    address_of(ordered.transaction.transaction.sender),
                    verdict_name(ordered.verdict));
    }
    if (!block->committed) continue;
    spdlog::debug("block {} committed", orderer_->chain().height());
    reporter_.block(*block, orderer_->chain(), settings_.rounds);
    roster_.block(*block);
    driver_.block_committed(now_ms());
    follow_members(*block);
    tell_outcomes(*block);
  }
  return Status{};
}

// A statement of the coordinator's own that no rule should refuse means that something is wrong
// here. One that came too late is dropped, and its round asked anew.
Status Coordinator::own_refusals(const OrderedBlock& block) {
  for (const Ordered& ordered : block.outcomes) {
    if (ordered.ticket != 0 || ordered.verdict == Verdict::ok) continue;
    const TxType type = ordered.transaction.transaction.type;
    if (may_be_refused(type)) {
      if (!block.committed) driver_.block_committed(now_ms());
      continue;
    }
    return Error{ErrorCode::refused,
                 "the ledger refused the coordinator's own " + std::string(tx_type_name(type)) +
                     ": " + std::string(verdict_name(ordered.verdict)) + "; please report it"};
  }
  return Status{};
}

// Nobody waits for a suspended worker any more, and workers hear where they stand.
void Coordinator::follow_members(const OrderedBlock& block) {
  for (const Ordered& ordered : block.outcomes) {
    const Transaction& tx = ordered.transaction.transaction;
    if (ordered.verdict != Verdict::ok) continue;
    if (tx.type == TxType::suspend_member) {
      if (const auto body = decode_record<SuspendMember>(tx.body))
        driver_.note_suspension(now_ms(), body->account);
    }
    if (tx.type == TxType::suspend_member || tx.type == TxType::readmit_member) driver_.announce();
  }
}

void Coordinator::settle_tickets(const OrderedBlock& block) {
  const std::uint64_t height = orderer_->chain().height();
  for (const Ordered& ordered : block.outcomes) {
    const auto it = waiting_.find(ordered.ticket);
    if (it == waiting_.end()) continue;
    const TransactionResult result = transaction_result(
        ordered.transaction.id, ordered.verdict, ordered.verdict == Verdict::ok ? height : 0);
    if (it->second.peer.entrance == kAtAdmin) {
      transport_->reply(it->second, reply_of(result));
    } else {
      transport_->reply(it->second, result);
    }
    waiting_.erase(it);
  }
}

// After a settlement each worker hears what became of its update.
void Coordinator::tell_outcomes(const OrderedBlock& block) {
  std::size_t next = 0;
  for (const Ordered& ordered : block.outcomes) {
    if (ordered.verdict != Verdict::ok) continue;
    const TransactionReceipt& receipt = block.receipts[next++];
    const Transaction& tx = ordered.transaction.transaction;
    if (tx.type == TxType::round_result) {
      const auto body = decode_record<RoundResult>(tx.body);
      for (const auto& [peer, worker] : work_.subscribers()) {
        for (const ResultEntry& entry : body->entries) {
          if (entry.worker != worker) continue;
          Notice notice{NoticeKind::outcome, body->round, {}};
          notice.text = entry.verdict == Verdict::ok
                            ? "accepted, score " + score_text(entry.score_ppm) +
                                  (entry.score_ppm == 0 ? kZeroScoreRemark : "")
                            : "rejected: " + std::string(verdict_name(entry.verdict));
          transport_->send(peer, notice, 0);
        }
      }
    } else if (tx.type == TxType::settle_round) {
      const auto body = decode_record<SettleRound>(tx.body);
      for (const auto& [peer, worker] : work_.subscribers()) {
        for (const contracts::Mint& mint : receipt.mints) {
          if (AccountId{mint.account} != worker) continue;
          transport_->send(peer,
                           Notice{NoticeKind::outcome, body->round,
                                  "paid " + contracts::format_amount(mint.amount) + " tokens"},
                           0);
        }
      }
    }
  }
}

// Once: that workers are missing (and again as they come), that the last round is settled.
void Coordinator::tell_standing() {
  if (driver_.finished() && !std::exchange(finish_told_, true)) {
    const RoundView& view = driver_.machine().view();
    const RoundPolicy& policy = driver_.machine().policy();
    nlohmann::json event = {{"event", "finished"},
                            {"rounds", view.job.round},
                            {"of", policy.rounds},
                            {"height", orderer_->chain().height()}};
    if (policy.stop_when && view.round && reached(*policy.stop_when, *view.round))
      event["reached"] = goal_text(*policy.stop_when);
    if (driver_.best() && driver_.best()->standing())
      event["best"] = describe_best(*driver_.best()->standing());
    reporter_.emit(std::move(event));
  }
  if (now_ms() >= looked_ms_ + kLookMs) {
    looked_ms_ = now_ms();
    roster_.look(transport_->connected(), now_ms());
  }
  const RoundMachine& machine = driver_.machine();
  const std::uint32_t present = machine.present_count(now_ms());
  if (machine.station() != Station::waiting || present >= machine.needed_count()) {
    waiting_for_others_.reset();
  } else if (std::exchange(waiting_for_others_, present) != present) {
    reporter_.emit(
        {{"event", "waiting"}, {"workers", present}, {"needed", machine.needed_count()}});
  }
  tell_missing_sums();
}

// By name, and again as they come.
void Coordinator::tell_missing_sums() {
  const RoundMachine& machine = driver_.machine();
  std::vector<AccountId> missing;
  if (machine.station() == Station::summing) {
    for (const AccountId& member : machine.view().members) {
      if (machine.part_of(member) == RoundMachine::Part::working) missing.push_back(member);
    }
  }
  if (missing == waiting_for_sums_) return;
  waiting_for_sums_ = missing;
  if (missing.empty()) return;
  nlohmann::json workers = nlohmann::json::array();
  for (const AccountId& worker : missing)
    workers.push_back(describe_worker(orderer_->chain().state(), worker));
  reporter_.emit({{"event", "waiting_for_sums"}, {"missing", std::move(workers)}});
}

void Coordinator::announce() {
  std::vector<Peer> gone;
  for (const auto& [peer, worker] : work_.subscribers()) {
    const SendOutcome outcome = transport_->send(peer, work_.round_state(worker, now_ms()), 0);
    if (outcome == SendOutcome::unreachable) gone.push_back(peer);
    if (const auto standing = work_.standing_news(peer, worker))
      transport_->send(peer, *standing, 0);
  }
  for (const Peer& peer : gone) work_.forget(peer);
}

void Coordinator::notify_all(const Notice& notice) {
  announce();
  for (const auto& [peer, worker] : work_.subscribers()) transport_->send(peer, notice, 0);
}

}  // namespace gradmint
