// Opens a commitment and sends its payload: in chunks, with credits, from where the coordinator
// says it stopped, until a receipt comes. Pure, not thread safe.
#pragma once

#include <optional>

#include "coordinator/protocol/transfer_window.h"
#include "worker/session/outgoing.h"

namespace gradmint::session {

class UpdateUpload {
 public:
  // Starts it, unless it is under way already.
  void want(const UpdateMemory& update);
  void clear() { upload_.reset(); }
  void advance(Outgoing& out);

  Verdict take(const RevealAccepted& accepted, Outgoing& out);
  Verdict take(const ChunkAck& ack, Outgoing& out);
  void connection_lost();
  void start_over() { connection_lost(); }

 private:
  struct Upload {
    AttemptKey key;
    Opening opening;
    std::optional<TransferWindow> window;  // once the coordinator said where to start
    std::uint64_t moved_ms = 0;
  };
  std::optional<Upload> upload_;
};

}  // namespace gradmint::session
