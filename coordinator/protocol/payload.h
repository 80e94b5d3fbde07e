// The raw frame that may follow a header frame: shared, read-only bytes that travel without being
// copied. Thread safe as std::shared_ptr is.
#pragma once

#include <memory>
#include <utility>

#include "ledger/bytes.h"

namespace gradmint {

class Payload {
 public:
  Payload() = default;
  // Takes the bytes over.
  static Payload of(Bytes bytes) {
    auto owner = std::make_shared<const Bytes>(std::move(bytes));
    const ByteView view{*owner};
    return share(std::move(owner), view);
  }
  // `view` stays valid for as long as `owner` lives: a slice of a mapped model, a received frame.
  static Payload share(std::shared_ptr<const void> owner, ByteView view) {
    Payload payload;
    payload.owner_ = std::move(owner);
    payload.view_ = view;
    return payload;
  }

  ByteView view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  std::shared_ptr<const void> owner_;
  ByteView view_;
};

}  // namespace gradmint
