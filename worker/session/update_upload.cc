#include "worker/session/update_upload.h"

#include "worker/session/blob_fetch.h"

namespace gradmint::session {
namespace {
constexpr std::uint64_t kStallMs = 10'000;
constexpr std::uint64_t kAfterFaultMs = 2000;
}  // namespace

void UpdateUpload::want(const UpdateMemory& update) {
  if (upload_ && upload_->key == update.key) return;
  Upload next;
  next.key = update.key;
  next.opening = update.opening;
  upload_ = next;
}

void UpdateUpload::advance(Outgoing& out) {
  if (!upload_) return;
  Upload& u = *upload_;
  if (u.window && out.now_ms() >= u.moved_ms + kStallMs) u.window.reset();
  if (!u.window) {
    out.ask(Ask::reveal,
            RevealUpdate{u.key.round, u.key.attempt, u.opening.root, u.opening.size_bytes,
                         static_cast<std::uint8_t>(u.opening.encoding), u.opening.salt});
    return;
  }
  while (out.may_ask(Ask::chunk)) {
    const auto range = u.window->next();
    if (!range) break;
    out.ask(Ask::chunk, UpdateChunk{u.opening.root, range->offset_bytes},
            UpdateSlice{u.key, range->offset_bytes, range->length_bytes});
  }
}

Verdict UpdateUpload::take(const RevealAccepted& accepted, Outgoing& out) {
  if (!upload_ || accepted.root != upload_->opening.root) return Verdict::ok;
  TransferWindow window(upload_->opening.size_bytes, kTransferChunkBytes);
  if (!window.resume(accepted.resume_offset_bytes, accepted.credit)) {
    out.hold_back(Ask::reveal, kAfterFaultMs);
    return Verdict::wrong_size;
  }
  upload_->window = window;
  upload_->moved_ms = out.now_ms();
  return Verdict::ok;
}

Verdict UpdateUpload::take(const ChunkAck& ack, Outgoing& out) {
  if (!upload_ || ack.root != upload_->opening.root || !upload_->window) return Verdict::ok;
  if (ack.next_offset_bytes < upload_->window->acknowledged_bytes()) return Verdict::ok;  // old
  if (!upload_->window->acknowledge(ack.next_offset_bytes, ack.credit)) {
    upload_->window.reset();
    out.hold_back(Ask::reveal, kAfterFaultMs);
    return Verdict::wrong_size;
  }
  upload_->moved_ms = out.now_ms();
  return Verdict::ok;
}

void UpdateUpload::connection_lost() {
  if (upload_) upload_->window.reset();
}

}  // namespace gradmint::session
