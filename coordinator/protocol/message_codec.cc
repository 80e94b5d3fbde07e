// The header frames. Each kind lists its fields once, in `fields`; reading and writing run the same
// list, so they cannot disagree.
#include <algorithm>
#include <array>
#include <type_traits>

#include "coordinator/protocol/messages.h"
#include "kernels/base/text.h"
#include "ledger/codec.h"

namespace gradmint {
namespace {

class WriteFields {
 public:
  template <class M>
  using Of = const M;

  explicit WriteFields(Writer& out) : out_(out) {}
  void u8(const std::uint8_t& v) { out_.u8(v); }
  void u16(const std::uint16_t& v) { out_.u16(v); }
  void u32(const std::uint32_t& v) { out_.u32(v); }
  void u64(const std::uint64_t& v) { out_.u64(v); }
  void boolean(const bool& v) { out_.boolean(v); }
  void hash(const Hash& v) { out_.hash(v); }
  void code(const std::array<std::uint8_t, 16>& v) { out_.raw(v); }
  void text(const std::string& v, std::size_t cap) { out_.text(clean_text(v, cap)); }
  void json(const std::string& v, std::size_t cap) {
    bytes("the JSON text", v.size(), as_bytes(v), cap);
  }
  void opaque(const char* name, const Bytes& v, std::size_t cap) { bytes(name, v.size(), v, cap); }
  template <class E>
  void enumerator(const E& v, E /*first*/, E /*last*/) {
    whole(static_cast<std::underlying_type_t<E>>(v));
  }
  void in_range(const char* name, const std::uint32_t& v, std::uint32_t first, std::uint32_t last) {
    if (v < first || v > last) {
      note(std::string(name) + " of " + std::to_string(v) + " is outside " + std::to_string(first) +
           " … " + std::to_string(last));
    }
    out_.u32(v);
  }
  template <class T, class Each>
  void list(const char* name, const std::vector<T>& items, std::uint32_t cap, std::size_t,
            Each each) {
    if (items.size() > cap) note_size(name, items.size(), "entries", cap);
    out_.u32(static_cast<std::uint32_t>(items.size()));
    for (const T& item : items) each(item);
  }

  const std::string& problem() const { return problem_; }

 private:
  void whole(std::uint8_t v) { out_.u8(v); }
  void whole(std::uint16_t v) { out_.u16(v); }
  void bytes(const char* name, std::size_t size, ByteView v, std::size_t cap) {
    if (size > cap) return note_size(name, size, "bytes", cap);
    out_.bytes(v);
  }
  void note_size(const char* name, std::size_t size, const char* unit, std::size_t cap) {
    note(std::string(name) + " of " + std::to_string(size) + " " + unit + " is larger than the " +
         std::to_string(cap) + " a message may carry");
  }
  void note(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  Writer& out_;
  std::string problem_;
};

class ReadFields {
 public:
  template <class M>
  using Of = M;

  explicit ReadFields(Reader& in) : in_(in) {}
  void u8(std::uint8_t& v) { v = in_.u8(); }
  void u16(std::uint16_t& v) { v = in_.u16(); }
  void u32(std::uint32_t& v) { v = in_.u32(); }
  void u64(std::uint64_t& v) { v = in_.u64(); }
  void boolean(bool& v) { v = in_.boolean(); }
  void hash(Hash& v) { v = in_.hash(); }
  void code(std::array<std::uint8_t, 16>& v) {
    const ByteView raw = in_.raw(v.size());
    if (in_.ok()) std::copy(raw.begin(), raw.end(), v.begin());
  }
  void text(std::string& v, std::size_t cap) { v = in_.text(cap); }
  void json(std::string& v, std::size_t cap) { text(v, cap); }
  void opaque(const char*, Bytes& v, std::size_t cap) { v = in_.bytes(cap); }
  template <class E>
  void enumerator(E& v, E first, E last) {
    if constexpr (sizeof(E) == 1) {
      v = static_cast<E>(in_.u8());
    } else {
      v = static_cast<E>(in_.u16());
    }
    if (v < first || v > last) in_.fail();
  }
  void in_range(const char*, std::uint32_t& v, std::uint32_t first, std::uint32_t last) {
    v = in_.u32();
    if (v < first || v > last) in_.fail();
  }
  template <class T, class Each>
  void list(const char*, std::vector<T>& items, std::uint32_t cap, std::size_t least_bytes,
            Each each) {
    items.resize(in_.count(cap, least_bytes));
    for (T& item : items) each(item);
  }

 private:
  Reader& in_;
};

template <class Io, class M>
using Of = typename Io::template Of<M>;

template <class Io>
void fields(Io& io, Of<Io, CertifiedHeader>& m) {
  io.opaque("a block header", m.header, kMaxHeaderBytes);
  io.opaque("a certificate", m.certificate, kMaxCertificateBytes);
}
template <class Io>
void fields(Io& io, Of<Io, Hello>& m) {
  io.hash(m.chain_id);
  io.text(m.revision, kMaxNameBytes);
  fields(io, m.newest);
}
template <class Io>
void fields(Io& io, Of<Io, Welcome>& m) {
  io.hash(m.chain_id);
  io.u64(m.tip_height);
  io.hash(m.tip_hash);
  io.text(m.work_endpoint, kMaxEndpointBytes);
  io.text(m.revision, kMaxNameBytes);
  io.boolean(m.admitted);
  io.u64(m.unix_ms);
}
// Frozen: every version reads this. A code from a later version is kept as the number it is.
template <class Io>
void fields(Io& io, Of<Io, Refusal>& m) {
  io.enumerator(m.code, RefusalCode{0}, RefusalCode{0xffff});
  io.text(m.name, kMaxNameBytes);
  io.text(m.detail, kMaxTextBytes);
}
template <class Io>
void fields(Io&, Of<Io, Ping>&) {}
template <class Io>
void fields(Io&, Of<Io, Pong>&) {}
template <class Io>
void fields(Io&, Of<Io, GetGenesis>&) {}
template <class Io>
void fields(Io& io, Of<Io, Genesis>& m) {
  io.hash(m.chain_id);
}
template <class Io>
void fields(Io& io, Of<Io, GetHeaders>& m) {
  io.u64(m.from_height);
  io.in_range("a count of headers", m.count, 1, kMaxHeadersPerReply);
}
template <class Io>
void fields(Io& io, Of<Io, Headers>& m) {
  io.u64(m.from_height);
  io.list("a list of headers", m.headers, kMaxHeadersPerReply, 8,
          [&](auto& item) { fields(io, item); });
}
template <class Io>
void fields(Io& io, Of<Io, SubmitTransaction>& m) {
  io.opaque("a transaction", m.transaction, kMaxTransactionBytes);
}
template <class Io>
void fields(Io& io, Of<Io, TransactionResult>& m) {
  io.hash(m.txid);
  io.u16(m.verdict);
  io.u64(m.height);
  io.text(m.detail, kMaxTextBytes);
}
template <class Io>
void fields(Io& io, Of<Io, GetAccount>& m) {
  io.hash(m.account);
}
template <class Io>
void fields(Io& io, Of<Io, AccountState>& m) {
  io.hash(m.account);
  io.u64(m.height);
  io.u64(m.nonce);
  io.u64(m.balance);
  io.boolean(m.exists);
  io.boolean(m.registered);
  io.text(m.suspension, kMaxTextBytes);
}
template <class Io>
void fields(Io& io, Of<Io, Register>& m) {
  io.opaque("a transaction", m.transaction, kMaxTransactionBytes);
  io.code(m.code);
}
template <class Io>
void fields(Io& io, Of<Io, ReportFork>& m) {
  fields(io, m.first);
  fields(io, m.second);
}
template <class Io>
void fields(Io& io, Of<Io, GetInvitation>& m) {
  io.hash(m.code_hash);
}
template <class Io>
void fields(Io& io, Of<Io, InvitationState>& m) {
  io.enumerator(m.use, InvitationUse::unknown, InvitationUse::revoked);
  io.hash(m.used_by);
}
template <class Io>
void fields(Io&, Of<Io, GetScaler>&) {}
template <class Io>
void fields(Io& io, Of<Io, FixedScaler>& m) {
  fields(io, m.block);
  io.u32(m.index);
  io.u32(m.transactions);
  io.list("an audit path", m.path, kMaxPathHashes, sizeof(Hash),
          [&](auto& hash) { io.hash(hash); });
}
template <class Io>
void fields(Io&, Of<Io, GetRound>&) {}
template <class Io>
void fields(Io& io, Of<Io, RoundState>& m) {
  io.u64(m.tip_height);
  io.hash(m.tip_hash);
  io.u64(m.round);
  io.u32(m.attempt);
  io.enumerator(m.phase, Phase::waiting_for_workers, Phase::finished);
  io.hash(m.open_block_hash);
  io.opaque("an OpenRound record", m.open_round, kMaxRecordBytes);
  io.hash(m.evaluate_model);
  io.u64(m.deadline_remaining_ms);
  io.boolean(m.commit_asked);
  io.boolean(m.reveal_asked);
  io.boolean(m.evaluate_asked);
  io.u32(m.workers_ready);
  io.u32(m.workers_needed);
  io.u32(m.updates_committed);
  io.u32(m.updates_revealed);
}
template <class Io>
void fields(Io& io, Of<Io, GetBlob>& m) {
  io.hash(m.root);
  io.u64(m.offset_bytes);
  io.in_range("a chunk", m.length_bytes, 1, kMaxChunkBytes);
}
template <class Io>
void fields(Io& io, Of<Io, BlobChunk>& m) {
  io.hash(m.root);
  io.u64(m.offset_bytes);
  io.u64(m.total_bytes);
}
template <class Io>
void fields(Io& io, Of<Io, RevealUpdate>& m) {
  io.u64(m.round);
  io.u32(m.attempt);
  io.hash(m.root);
  io.u64(m.size_bytes);
  io.u8(m.encoding);
  io.hash(m.salt);
}
template <class Io>
void fields(Io& io, Of<Io, RevealAccepted>& m) {
  io.hash(m.root);
  io.u64(m.resume_offset_bytes);
  io.u16(m.credit);
}
template <class Io>
void fields(Io& io, Of<Io, UpdateChunk>& m) {
  io.hash(m.root);
  io.u64(m.offset_bytes);
}
template <class Io>
void fields(Io& io, Of<Io, ChunkAck>& m) {
  io.hash(m.root);
  io.u64(m.next_offset_bytes);
  io.u16(m.credit);
}
template <class Io>
void fields(Io& io, Of<Io, Receipt>& m) {
  io.hash(m.root);
  io.opaque("a receipt", m.receipt, kMaxReceiptBytes);
}
template <class Io>
void fields(Io& io, Of<Io, Notice>& m) {
  io.enumerator(m.kind, NoticeKind::paused, NoticeKind::standing);
  io.u64(m.round);
  io.text(m.text, kMaxTextBytes);
}
template <class Io>
void fields(Io& io, Of<Io, Progress>& m) {
  io.u64(m.round);
  io.in_range("progress in parts per million", m.done_ppm, 0, 1'000'000);
  io.text(m.text, kMaxTextBytes);
}
template <class Io>
void fields(Io& io, Of<Io, GiveUp>& m) {
  io.u64(m.round);
  io.u32(m.attempt);
  io.enumerator(m.duty, Duty::training, Duty::evaluation);
  io.text(m.why, kMaxTextBytes);
}
template <class Io>
void fields(Io& io, Of<Io, AdminRequest>& m) {
  io.json(m.json, kMaxAdminRequestBytes);
}
template <class Io>
void fields(Io& io, Of<Io, AdminReply>& m) {
  io.json(m.json, kMaxAdminReplyBytes);
}

// Finds the alternative of this type number, reads it and returns true; false when there is none.
template <std::size_t I = 0>
bool read_alternative(std::uint16_t type, Reader& in, Message& out) {
  if constexpr (I == std::variant_size_v<AnyMessage>) {
    return false;
  } else {
    using M = std::variant_alternative_t<I, AnyMessage>;
    if (M::kKind.type != type) return read_alternative<I + 1>(type, in, out);
    M message;
    ReadFields io(in);
    fields(io, message);
    out = std::move(message);
    return true;
  }
}

template <std::size_t... I>
constexpr bool types_are_distinct(std::index_sequence<I...>) {
  const std::array types{std::variant_alternative_t<I, AnyMessage>::kKind.type...};
  for (std::size_t a = 0; a < types.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      if (types[a] == types[b]) return false;
    }
  }
  return true;
}
static_assert(types_are_distinct(std::make_index_sequence<std::variant_size_v<AnyMessage>>{}));

}  // namespace

Result<Bytes> encode_message(const Message& message, std::uint64_t request_id) {
  Writer out;
  out.u16(kProtocolVersion);
  out.u16(kind_of(message).type);
  out.u64(request_id);
  WriteFields io(out);
  std::visit([&](const auto& m) { fields(io, m); }, message);
  if (!io.problem().empty()) {
    return Error{ErrorCode::bad_input, std::string(kind_of(message).name) + ": " + io.problem()};
  }
  return out.take();
}

DecodedMessage decode_message(ByteView frame) {
  DecodedMessage out;
  Reader in(frame);
  const std::uint16_t version = in.u16();
  const std::uint16_t type = in.u16();
  out.request_id = in.u64();
  if (!in.ok()) {
    out.refusal = refuse(RefusalCode::malformed, "a frame of " + std::to_string(frame.size()) +
                                                     " bytes is too short to be a message");
    return out;
  }
  if (version != kProtocolVersion && type != Refusal::kKind.type) {
    out.refusal =
        refuse(RefusalCode::wrong_version,
               "this side speaks protocol version " + std::to_string(kProtocolVersion) +
                   ", the other " + std::to_string(version) + ": update the older of the two");
    return out;
  }
  if (!read_alternative(type, in, out.message)) {
    out.refusal = refuse(RefusalCode::unknown_message,
                         "there is no message of type " + std::to_string(type) +
                             " in protocol version " + std::to_string(kProtocolVersion));
  } else if (!in.finished()) {
    out.refusal =
        refuse(RefusalCode::malformed, "a " + std::string(kind_of(out.message).name) + " of " +
                                           std::to_string(frame.size()) + " bytes does not decode");
    out.message = Message{};
  }
  return out;
}

}  // namespace gradmint
