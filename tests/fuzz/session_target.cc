// A whole coordinator (session_stage.h) and what members and strangers say to it over connections
// that last from one input to the next: true messages, bent ones, statements that their member
// signed, frames of any kind. An honest member must be answered after each input.
#include "kernels/base/check.h"
#include "tests/coordinator/protocol_samples.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/session_stage.h"
#include "tests/fuzz/target.h"
#include "tests/ledger/samples.h"

namespace gradmint::fuzz {
namespace {

using hostile::RawPeer;
constexpr std::size_t kPeers = SessionStage::kMembers + 2;  // and two strangers
constexpr int kHostileMs = 20;

// The kinds that a member's statement may have, each with an example of its body.
struct StatementKind {
  TxType type;
  Bytes body;
};
const std::vector<StatementKind>& statement_kinds() {
  static const std::vector<StatementKind> kinds = [] {
    std::vector<StatementKind> out;
    for (const test::Sample& sample : test::record_samples()) {
      for (std::uint16_t type = 1; !tx_type_name(static_cast<TxType>(type)).empty(); ++type) {
        if (tx_type_name(static_cast<TxType>(type)) == sample.name)
          out.push_back({static_cast<TxType>(type), sample.bytes});
      }
    }
    return out;
  }();
  return kinds;
}

// What a reveal names is the round that is open.
Message fitting(Message message) {
  if (auto* reveal = std::get_if<RevealUpdate>(&message)) {
    reveal->round = SessionStage::get().round();
    reveal->attempt = SessionStage::get().attempt();
    reveal->size_bytes = 32;
    reveal->encoding = 0;
  }
  return message;
}

void send(RawPeer& peer, std::size_t who, Script& script) {
  static const std::vector<Message> messages = sample_messages();
  const std::uint64_t id = script.byte();
  switch (script.below(5)) {
    case 0: {  // a message, bent or not, with a payload or not
      const Message message = fitting(messages[script.below(messages.size())]);
      const bool payload = script.below(2) == 1;
      peer.send_frame(script.bent(encode_message(message, id).value()),
                      payload ? RawPeer::kMore : 0, kHostileMs);
      if (payload) peer.send_frame(script.bytes(), 0, kHostileMs);
      break;
    }
    case 1: {  // a statement that stands next, its body bent before it is signed
      const StatementKind& kind = statement_kinds()[script.below(statement_kinds().size())];
      const Bytes body = script.bent(kind.body);
      const std::size_t member = who % SessionStage::kMembers;
      const Bytes statement = SessionStage::get().statement(member, kind.type, body);
      peer.send_frame(encode_message(SubmitTransaction{statement}, id).value(), 0, kHostileMs);
      break;
    }
    case 2: {  // a statement bent after it was signed
      const StatementKind& kind = statement_kinds()[script.below(statement_kinds().size())];
      const std::size_t member = who % SessionStage::kMembers;
      const Bytes statement =
          script.bent(SessionStage::get().statement(member, kind.type, kind.body));
      peer.send_frame(encode_message(SubmitTransaction{statement}, id).value(), 0, kHostileMs);
      break;
    }
    case 3: {  // any frame
      const std::uint8_t flags = script.byte();
      peer.send_frame(script.bytes(), flags, kHostileMs);
      break;
    }
    default:
      peer.closed_within(1);  // takes what was answered, so that more can be
      break;
  }
}

void run(ByteView input) {
  SessionStage& stage = SessionStage::get();
  static RawPeer peers[kPeers];
  Script script(input);
  for (int steps = 0; !script.ended() && steps < 12; ++steps) {
    const std::size_t who = script.below(kPeers);
    RawPeer& peer = peers[who];
    if (!peer.is_open() || peer.closed_within(0)) {
      const std::size_t as = who < SessionStage::kMembers ? who : SessionStage::kMembers + 1;
      if (!stage.connect(peer, as)) {
        peer.close();
        script.byte();
        continue;
      }
    }
    send(peer, who, script);
  }
  stage.check_alive();
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> out;
  const std::size_t messages = sample_messages().size();
  for (std::size_t i = 0; i < messages; ++i) {
    const auto which = static_cast<std::uint8_t>(i);
    out.push_back({static_cast<std::uint8_t>(i % kPeers), 1, 0, which, 0, 0});
    out.push_back({0, 1, 0, which, 1, 1, 0, 2, 7, 4, 1, 2, 3, 4});
  }
  for (std::size_t i = 0; i < statement_kinds().size(); ++i) {
    const auto which = static_cast<std::uint8_t>(i);
    out.push_back({1, 2, 1, which, 0});
    out.push_back({0, 2, 2, which, 1, 0, 9, 5});
  }
  return out;
}

}  // namespace

Target session_target() { return {"session", run, seeds, true}; }

}  // namespace gradmint::fuzz
