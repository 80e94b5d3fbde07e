// One message of every kind, with every field set to something of its own.
#pragma once

#include <vector>

#include "coordinator/protocol/messages.h"

namespace gradmint {

inline Hash hash_filled(std::uint8_t first) {
  Hash hash;
  for (std::size_t i = 0; i < hash.bytes.size(); ++i) {
    hash.bytes[i] = static_cast<std::uint8_t>(first + i);
  }
  return hash;
}

inline std::vector<Message> sample_messages() {
  return {
      Hello{hash_filled(1), "v0.1.0-3-gabcdef", {{1, 2, 3}, {4}}},
      Welcome{hash_filled(1), 7, hash_filled(2), "tcp://*:7701", "v0.1.0", true, 1'700'000'000'000},
      Refusal{RefusalCode::rate_limited, "rate_limited", "slow down"},
      Ping{},
      Pong{},
      GetGenesis{},
      Genesis{hash_filled(3)},
      GetHeaders{256, 64},
      Headers{256, {{{1, 2, 3}, {4}}, {{5}, {}}}},
      SubmitTransaction{{9, 8, 7}},
      TransactionResult{hash_filled(4), 513, 12, "in block 12"},
      GetAccount{hash_filled(5)},
      AccountState{hash_filled(5), 12, 3, 1'500'000'000, true, true, "left"},
      Register{{1, 1, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
      ReportFork{{{1, 2}, {3}}, {{4, 5, 6}, {}}},
      GetInvitation{hash_filled(12)},
      InvitationState{InvitationUse::used, hash_filled(13)},
      GetScaler{},
      FixedScaler{{{1, 2, 3}, {4}}, 2, 3, {hash_filled(14), hash_filled(15)}},
      GetRound{},
      RoundState{99,
                 hash_filled(6),
                 4,
                 1,
                 Phase::revealing,
                 hash_filled(7),
                 {0xaa, 0xbb},
                 hash_filled(8),
                 60'000,
                 true,
                 false,
                 true,
                 5,
                 3,
                 4,
                 2},
      GetBlob{hash_filled(9), 1u << 20, 4u << 20},
      BlobChunk{hash_filled(9), 1u << 20, 123'456'789'012},
      RevealUpdate{4, 1, hash_filled(10), 4'000'000, 2, hash_filled(11)},
      RevealAccepted{hash_filled(10), 1u << 20, 4},
      UpdateChunk{hash_filled(10), 2u << 20},
      ChunkAck{hash_filled(10), 3u << 20, 3},
      Receipt{hash_filled(10), {0xde, 0xad}},
      Notice{NoticeKind::outcome, 4, "rejected: norm_too_large"},
      Progress{4, 250'000, "step 10 of 40"},
      GiveUp{4, 2, Duty::evaluation, "no held-out samples"},
      AdminRequest{R"({"do":"status"})"},
      AdminReply{R"({"ok":true})"},
  };
}

}  // namespace gradmint
