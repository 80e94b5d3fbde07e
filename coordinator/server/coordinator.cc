#include "coordinator/server/coordinator.h"

#include <spdlog/spdlog.h>

#include <utility>

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

Status write_endpoints(const Home& home, const ServerEnd& transport,
                       const std::string& invitations_name) {
  const nlohmann::json json = {{"join", transport.join_endpoint()},
                               {"work", transport.work_endpoint()},
                               {"public", invitations_name}};
  return replace_file(home.disk(), home.endpoints(), as_bytes(json_text(json) + "\n"), 0600);
}

}  // namespace

struct Coordinator::Parts {
  DirectoryLock lock;
  std::shared_ptr<const AdminSocket> admin_socket;
  std::unique_ptr<Orderer> orderer;
  std::unique_ptr<ServerEnd> transport;
  Surroundings surroundings;
};

Result<std::unique_ptr<Coordinator>> Coordinator::open(const Home& home, const Settings& settings,
                                                       const SecretKey& validator,
                                                       Reporter reporter,
                                                       const Surroundings& surroundings) {
  if (Status enough = enough_descriptors(); !enough) return enough.error();
  auto lock = lock_home(home);
  if (!lock) return lock.error();
  auto curve = read_curve_key(home.curve_key(), home.disk());
  if (!curve) return curve.error();
  auto orderer = open_orderer(home.ledger(), home.signer_files(), validator, surroundings.ordering,
                              home.disk());
  if (!orderer) return orderer.error();
  const GenesisRecord& genesis = (*orderer)->chain().genesis();
  auto layout = load_layout(home, genesis.task);
  if (!layout) return layout.error();
  if (Status same = check_fixed_settings(settings, genesis, *layout); !same) return same.error();
  ServerOptions options;
  options.key = *curve;
  options.join_endpoint = settings.join_endpoint;
  options.work_endpoint = settings.work_endpoint;
  auto admin_socket = surroundings.admin(home.run());
  if (!admin_socket) return admin_socket.error();
  if (*admin_socket) options.admin_socket = (*admin_socket)->path();
  auto transport = surroundings.bind(options);
  if (!transport) return transport.error();
  std::unique_ptr<Coordinator> coordinator(
      new Coordinator(home, settings,
                      {*std::move(lock), *std::move(admin_socket), *std::move(orderer),
                       *std::move(transport), surroundings},
                      std::move(reporter)));
  if (Status started = coordinator->start(); !started) return started.error();
  return coordinator;
}

Coordinator::Coordinator(const Home& home, const Settings& settings, Parts parts, Reporter reporter)
    : lock_(std::move(parts.lock)),
      admin_socket_(std::move(parts.admin_socket)),
      home_(home),
      settings_(settings),
      surroundings_(std::move(parts.surroundings)),
      reporter_(std::move(reporter)),
      orderer_(std::move(parts.orderer)),
      transport_(std::move(parts.transport)),
      admissions_(*transport_),
      driver_(settings_, home_, surroundings_, *orderer_, reporter_, [this] { wake(); }),
      history_(*orderer_, reporter_, home_),
      join_(*orderer_, Invitations(home_.invitations(), home_.disk()), GRADMINT_REVISION,
            *surroundings_.clock),
      work_(*orderer_, driver_, reporter_, home_),
      roster_(*orderer_, driver_, reporter_),
      admin_(*orderer_, driver_, join_, roster_, reporter_,
             {transport_->join_endpoint(), transport_->work_endpoint(),
              public_endpoint(settings_.public_join, settings_.configured_join,
                              transport_->join_endpoint())}) {}

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
  for (bool goes_on = status.ok(); goes_on && !stop;) {
    const Result<bool> turned = advance(kTickMs);
    if (!turned) status = turned.error();
    goes_on = turned.ok() && *turned;
  }
  if (!leaves_ms_) say_goodbye();
  static_cast<void>(home_.disk().remove(home_.endpoints()));
  return status;
}

Result<bool> Coordinator::advance(int timeout_ms) {
  if (leaves_ms_) {
    if (now_ms() >= *leaves_ms_) return false;
    if (Status s = turn(timeout_ms); !s) return s.error();
    return true;
  }
  if (Status s = turn(timeout_ms); !s) return s.error();
  tell_standing();
  if (!driver_.halted().empty() && settings_.exit_when_finished)
    return Error{ErrorCode::refused, driver_.halted()};
  const bool done = driver_.finished() && settings_.exit_when_finished;
  if (done || admin_.stop_requested()) say_goodbye();
  return true;
}

void Coordinator::say_goodbye() {
  Notice notice;
  notice.kind = driver_.finished() ? NoticeKind::finished : NoticeKind::stopping;
  notice.text =
      driver_.finished() ? "all rounds are settled" : "the coordinator stops; it can be resumed";
  notify_all(notice);
  // Workers that hear of the end ask for their balance: a moment more for them.
  leaves_ms_ = now_ms() + (driver_.finished() ? kFarewellMs : 0);
}

Status Coordinator::turn(int timeout_ms) {
  ServerBatch batch = transport_->poll(timeout_ms);
  for (const TransportEvent& event : batch.events) {
    spdlog::info("{}", event.text);
    reporter_.warn(event.text);
  }
  for (const Inbound& inbound : batch.inbound) {
    dispatch(inbound);
    if (Status s = settle_acknowledged(); !s) return s;
  }
  if (history_.conflict()) return keep_still();
  if (Status s = settle_acknowledged(); !s) return s;
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

// Receipts of what as many hold as they promise. An Error: the disk refused one, or what came
// before.
Status Coordinator::settle_acknowledged() {
  for (const Acknowledgement& acknowledgement : orderer_->acknowledged()) {
    if (auto answer = work_.acknowledged(acknowledgement, now_ms()))
      reply(answer->asked, std::move(answer->answer));
  }
  if (work_.storage_failure().empty()) return {};
  return Error{ErrorCode::io, work_.storage_failure() + "; everything acknowledged is safe"};
}

Status Coordinator::order() {
  for (int i = 0; i < kMaxBlocksPerTurn; ++i) {
    auto next = orderer_->advance(surroundings_.clock->unix_ms());
    if (!next) return next.error();
    if (!*next) return Status{};
    const OrderedBlock* const block = &**next;
    if (Status s = own_refusals(*block); !s) return s;
    if (block->committed) admissions_.follow(*block, orderer_->chain().state());
    settle_tickets(*block);
    for (const Ordered& ordered : block->outcomes) {
      spdlog::debug("{} of {}: {}", tx_type_name(ordered.transaction.transaction.type),
                    address_of(ordered.transaction.transaction.sender),
                    verdict_name(ordered.verdict));
    }
    if (block->committed) {
      spdlog::debug("block {} committed", orderer_->chain().height());
      reporter_.block(*block, orderer_->chain(), settings_.rounds);
      roster_.block(*block);
      driver_.block_committed(now_ms());
      follow_members(*block);
      tell_outcomes(*block);
    }
    // Behind the block, in which whatever the round proposed so far stands or was refused: what it
    // proposes because of a refusal is for the next one.
    for (const Ordered& ordered : block->outcomes) driver_.note_refusal(now_ms(), ordered);
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

}  // namespace gradmint
