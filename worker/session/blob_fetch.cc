#include "worker/session/blob_fetch.h"

#include <algorithm>

namespace gradmint::session {
namespace {
constexpr std::uint64_t kAfterFaultMs = 2000;
constexpr std::uint64_t kStallMs = 10'000;
}  // namespace

bool BlobFetch::want(const Hash& root, std::uint64_t exact_bytes, std::uint64_t cap_bytes) {
  if (here_.contains(root)) return true;
  if (!fetch_ || fetch_->root != root) {
    Fetch next;
    next.root = root;
    next.exact_bytes = exact_bytes;
    next.cap_bytes = cap_bytes;
    fetch_ = next;
  }
  return false;
}

void BlobFetch::restart(std::uint64_t held_bytes) {
  fetch_->stage = Stage::fetching;
  fetch_->held_bytes = held_bytes - held_bytes % kTransferChunkBytes;
  fetch_->first_asked = false;
  fetch_->window.reset();
}

void BlobFetch::advance(Outgoing& out) {
  if (!fetch_) return;
  Fetch& f = *fetch_;
  if (f.stage == Stage::look) {
    f.stage = Stage::looking;
    out.effect(LookForBlob{f.root});
  }
  if (f.stage != Stage::fetching || !out.may_ask(Ask::blob)) return;
  const bool asked = f.first_asked || f.window;
  if (asked && out.now_ms() >= f.moved_ms + kStallMs) {
    restart(f.window ? f.window->acknowledged_bytes() : f.held_bytes);
  }
  if (!f.window) {
    if (f.first_asked) return;
    f.first_asked = true;
    f.moved_ms = out.now_ms();
    out.ask(Ask::blob, GetBlob{f.root, f.held_bytes, kTransferChunkBytes});
    return;
  }
  while (const auto range = f.window->next()) {
    out.ask(Ask::blob, GetBlob{f.root, range->offset_bytes, range->length_bytes});
  }
}

void BlobFetch::take(const BlobLooked& looked) {
  if (!fetch_ || fetch_->root != looked.root || fetch_->stage != Stage::looking) return;
  if (looked.complete) {
    here_.insert(looked.root);
    fetch_.reset();
    return;
  }
  // What is held is asked for from its last whole chunk, so that there is always a chunk to learn
  // the size from.
  restart(looked.held_bytes == 0 ? 0 : looked.held_bytes - 1);
}

void BlobFetch::start_over(Outgoing& out, const std::string& why) {
  out.warn("a blob did not arrive as it should, it is fetched again: " + why);
  out.hold_back(Ask::blob, kAfterFaultMs);
  restart(0);
}

Verdict BlobFetch::take(const BlobChunk& chunk, const Payload& payload, Outgoing& out) {
  if (!fetch_ || fetch_->root != chunk.root || fetch_->stage != Stage::fetching) return Verdict::ok;
  Fetch& f = *fetch_;
  if (!f.window) {
    if (!f.first_asked || chunk.offset_bytes != f.held_bytes) return Verdict::ok;
    const bool size_fits =
        f.exact_bytes != 0 ? chunk.total_bytes == f.exact_bytes : chunk.total_bytes <= f.cap_bytes;
    if (!size_fits || chunk.total_bytes <= f.held_bytes) {
      start_over(out, "it has " + std::to_string(chunk.total_bytes) + " bytes");
      return Verdict::wrong_size;
    }
    f.window.emplace(chunk.total_bytes, kTransferChunkBytes);
    f.window->resume(f.held_bytes, kMaxCredit);
    f.window->next();
  }
  if (chunk.offset_bytes != f.window->acknowledged_bytes()) return Verdict::ok;  // seen, or early
  const std::uint64_t due = std::min<std::uint64_t>(
      kTransferChunkBytes, f.window->total_bytes() - f.window->acknowledged_bytes());
  const std::uint64_t next = chunk.offset_bytes + due;
  if (chunk.total_bytes != f.window->total_bytes() || payload.size() != due ||
      !f.window->acknowledge(next, kMaxCredit)) {
    start_over(out, "a chunk of " + std::to_string(payload.size()) + " bytes where " +
                        std::to_string(due) + " were due");
    return Verdict::wrong_size;
  }
  f.moved_ms = out.now_ms();
  out.effect(WriteBlob{f.root, chunk.offset_bytes, payload});
  if (f.window->finished()) {
    f.stage = Stage::finishing;
    out.effect(FinishBlob{f.root});
  }
  return Verdict::ok;
}

void BlobFetch::take(const BlobFinished& finished, Outgoing& out) {
  if (!fetch_ || fetch_->root != finished.root || fetch_->stage != Stage::finishing) return;
  if (finished.intact) {
    here_.insert(finished.root);
    fetch_.reset();
  } else {
    start_over(out, "its bytes do not hash to " + to_hex(finished.root));
  }
}

void BlobFetch::refused(Outgoing& out, const std::string& why) {
  if (!fetch_ || fetch_->stage != Stage::fetching) return;
  out.warn("the coordinator does not hand out a blob: " + why);
  out.hold_back(Ask::blob, kAfterFaultMs);
  restart(fetch_->window ? fetch_->window->acknowledged_bytes() : fetch_->held_bytes);
}

void BlobFetch::connection_lost() {
  if (!fetch_ || fetch_->stage != Stage::fetching) return;
  restart(fetch_->window ? fetch_->window->acknowledged_bytes() : fetch_->held_bytes);
}

}  // namespace gradmint::session
