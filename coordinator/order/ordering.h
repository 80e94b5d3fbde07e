// What puts blocks in order and makes them final: one validator alone (solo_ordering.h), or many
// that agree by some log. Above it stand the coordinator's desks and its round, which do not know
// which it is; it may answer late, out of turn or not at all, and they go on when it does.
//
//   propose   a block above the tip, for the order     -> may be dropped without a word
//   next      the certified block above the tip        -> whoever proposed it, whenever it comes
//   acknowledge / acknowledged    an opening that is to be held by as many as a receipt promises
//
// One thread; its owner asks at every turn of its loop.
#pragma once

#include <optional>
#include <vector>

#include "coordinator/order/acknowledgement.h"
#include "coordinator/order/certified_block.h"
#include "kernels/base/result.h"

namespace gradmint {

// Whether this coordinator is to make the next block.
struct Standing {
  bool takes_proposals = true;  // false while one is under way, or another validator leads
};

class Ordering {
 public:
  virtual ~Ordering() = default;

  // Asks for this block to be the next, while standing() takes proposals. An Error ends the
  // coordinator: the disk or the key refused.
  virtual Status propose(const Block& block) = 0;
  // The certified block of height `above` + 1, once there is one. Told until it stands: to ask
  // again with the same height gives the same block. What is below may come again, and is passed
  // over by whoever asks.
  virtual Result<std::optional<CertifiedBlock>> next(std::uint64_t above) = 0;
  virtual Standing standing() const = 0;

  // Has this held, durably, by as many as a receipt for it promises. Its own disk has it already.
  virtual Status acknowledge(const Acknowledgement& acknowledgement) = 0;
  // Those that are, since this was asked last, in the order in which they came to be.
  virtual std::vector<Acknowledgement> acknowledged() = 0;
};

}  // namespace gradmint
