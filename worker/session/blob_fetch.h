// Brings one blob at a time from the coordinator: in chunks, with credits, from where an earlier
// attempt ended. Whoever stores it compares it with its root. Pure, not thread safe.
#pragma once

#include <optional>
#include <set>

#include "coordinator/protocol/transfer_window.h"
#include "worker/session/outgoing.h"

namespace gradmint::session {

inline constexpr std::uint32_t kTransferChunkBytes = kMinChunkBytes;

class BlobFetch {
 public:
  // True when it is here. Otherwise it is fetched next, in place of any other. exact_bytes 0: not
  // known beforehand, at most cap_bytes.
  bool want(const Hash& root, std::uint64_t exact_bytes, std::uint64_t cap_bytes);
  void advance(Outgoing& out);

  void take(const BlobLooked& looked);
  Verdict take(const BlobChunk& chunk, const Payload& payload, Outgoing& out);
  void take(const BlobFinished& finished, Outgoing& out);
  void refused(Outgoing& out, const std::string& why);
  void connection_lost();
  void forget(const Hash& root) { here_.erase(root); }

 private:
  enum class Stage : std::uint8_t { look, looking, fetching, finishing };
  struct Fetch {
    Hash root;
    std::uint64_t exact_bytes = 0, cap_bytes = 0;
    Stage stage = Stage::look;
    std::uint64_t held_bytes = 0;
    bool first_asked = false;
    std::optional<TransferWindow> window;
    std::uint64_t moved_ms = 0;
  };
  void restart(std::uint64_t held_bytes);
  void start_over(Outgoing& out, const std::string& why);

  std::set<Hash> here_;
  std::optional<Fetch> fetch_;
};

}  // namespace gradmint::session
