#include "ledger/reader/reader_protocol.h"

namespace gradmint {
namespace {

// A frame is 256 MiB at most, but what lists come to in memory is several times their bytes.
constexpr std::uint32_t kListMax = std::uint32_t{1} << 16;
constexpr std::uint32_t kHeightsMax = std::uint32_t{1} << 25;
constexpr std::size_t kMessageBytesMax = 4096;
constexpr std::uint8_t kErrorCodes = static_cast<std::uint8_t>(ErrorCode::not_finite) + 1;

Writer success() {
  Writer w;
  w.u8(1);
  return w;
}

// Keys of the state are binary, and paths are whatever a disk has: no text of a record.
std::string any_bytes(Reader& r, std::size_t cap) {
  const Bytes bytes = r.bytes(cap);
  return {bytes.begin(), bytes.end()};
}

template <class T>
std::optional<T> finished(const Reader& r, T value) {
  return r.finished() ? std::optional<T>(std::move(value)) : std::nullopt;
}

}  // namespace

Bytes encode_request(const ReaderRequest& request) {
  Writer w;
  w.u8(static_cast<std::uint8_t>(request.ask));
  w.text(request.directory);
  w.u64(request.height);
  w.u32(static_cast<std::uint32_t>(request.ids.size()));
  for (const Hash& id : request.ids) w.hash(id);
  return w.take();
}

std::optional<ReaderRequest> decode_request(ByteView bytes) {
  Reader r(bytes);
  ReaderRequest request;
  const std::uint8_t ask = r.u8();
  if (ask < static_cast<std::uint8_t>(ReaderAsk::open) ||
      ask > static_cast<std::uint8_t>(ReaderAsk::compare)) {
    return std::nullopt;
  }
  request.ask = static_cast<ReaderAsk>(ask);
  request.directory = any_bytes(r, kReaderRequestBytesMax);
  request.height = r.u64();
  request.ids.resize(r.count(kListMax, 32));
  for (Hash& id : request.ids) id = r.hash();
  return finished(r, std::move(request));
}

Bytes encode_failure(const Error& error) {
  Writer w;
  w.u8(0);
  w.u8(static_cast<std::uint8_t>(error.code));
  w.text(std::string_view(error.message).substr(0, kMessageBytesMax));
  return w.take();
}

std::optional<Result<ByteView>> decode_answer(ByteView bytes) {
  Reader r(bytes);
  if (r.boolean()) return Result<ByteView>(bytes.subspan(1));
  const std::uint8_t code = r.u8();
  std::string message = any_bytes(r, kMessageBytesMax);
  if (!r.finished() || code >= kErrorCodes) return std::nullopt;
  return Result<ByteView>(Error{static_cast<ErrorCode>(code), std::move(message)});
}

Bytes encode_tip_answer(const std::optional<Tip>& tip) {
  Writer w = success();
  w.boolean(tip.has_value());
  if (tip) {
    w.u64(tip->height);
    w.hash(tip->block_hash);
  }
  return w.take();
}

std::optional<std::optional<Tip>> decode_tip_answer(ByteView value) {
  Reader r(value);
  std::optional<Tip> tip;
  if (r.boolean()) {
    tip.emplace();
    tip->height = r.u64();
    tip->block_hash = r.hash();
  }
  return finished(r, tip);
}

Bytes encode_bytes_answer(ByteView bytes) {
  Writer w = success();
  w.bytes(bytes);
  return w.take();
}

std::optional<Bytes> decode_bytes_answer(ByteView value) {
  Reader r(value);
  Bytes bytes = r.bytes(kReaderValueBytesMax);
  return finished(r, std::move(bytes));
}

Bytes encode_blocks_answer(const std::vector<StoredBlock>& blocks) {
  Writer w = success();
  w.u32(static_cast<std::uint32_t>(blocks.size()));
  for (const StoredBlock& block : blocks) {
    for (const Bytes* part :
         {&block.header, &block.transactions, &block.certificate, &block.receipts}) {
      w.bytes(*part);
    }
  }
  return w.take();
}

std::optional<std::vector<StoredBlock>> decode_blocks_answer(ByteView value) {
  Reader r(value);
  std::vector<StoredBlock> blocks(r.count(kReaderBlocksMax, 16));
  for (StoredBlock& block : blocks) {
    for (Bytes* part : {&block.header, &block.transactions, &block.certificate, &block.receipts}) {
      *part = r.bytes(kReaderValueBytesMax);
    }
  }
  return finished(r, std::move(blocks));
}

Bytes encode_places_answer(const std::vector<std::optional<TransactionPlace>>& places) {
  Writer w = success();
  w.u32(static_cast<std::uint32_t>(places.size()));
  for (const auto& place : places) {
    w.boolean(place.has_value());
    if (!place) continue;
    w.u64(place->first);
    w.u32(place->second);
  }
  return w.take();
}

std::optional<std::vector<std::optional<TransactionPlace>>> decode_places_answer(ByteView value) {
  Reader r(value);
  std::vector<std::optional<TransactionPlace>> places(r.count(kListMax, 1));
  for (auto& place : places) {
    if (!r.boolean()) continue;
    const std::uint64_t height = r.u64();
    place = TransactionPlace{height, r.u32()};
  }
  return finished(r, std::move(places));
}

Bytes encode_heights_answer(const std::vector<std::uint64_t>& heights) {
  Writer w = success();
  w.u32(static_cast<std::uint32_t>(heights.size()));
  for (const std::uint64_t height : heights) w.u64(height);
  return w.take();
}

std::optional<std::vector<std::uint64_t>> decode_heights_answer(ByteView value) {
  Reader r(value);
  std::vector<std::uint64_t> heights(r.count(kHeightsMax, 8));
  for (std::uint64_t& height : heights) height = r.u64();
  return finished(r, std::move(heights));
}

Bytes encode_state_answer(const std::vector<StateEntry>& entries) {
  Writer w = success();
  w.u32(static_cast<std::uint32_t>(entries.size()));
  for (const StateEntry& entry : entries) {
    w.text(entry.key);
    w.bytes(entry.value);
  }
  return w.take();
}

std::optional<std::vector<StateEntry>> decode_state_answer(ByteView value) {
  Reader r(value);
  std::vector<StateEntry> entries(r.count(kReaderEntriesMax, 8));
  for (StateEntry& entry : entries) {
    entry.key = any_bytes(r, kReaderValueBytesMax);
    entry.value = r.bytes(kReaderValueBytesMax);
  }
  return finished(r, std::move(entries));
}

Bytes encode_checkpoint_answer(const Checkpoint& checkpoint) {
  Writer w = success();
  w.u64(checkpoint.tip.height);
  w.hash(checkpoint.tip.block_hash);
  w.bytes(checkpoint.certificate);
  return w.take();
}

std::optional<Checkpoint> decode_checkpoint_answer(ByteView value) {
  Reader r(value);
  Checkpoint checkpoint;
  checkpoint.tip.height = r.u64();
  checkpoint.tip.block_hash = r.hash();
  checkpoint.certificate = r.bytes(kReaderValueBytesMax);
  return finished(r, std::move(checkpoint));
}

Bytes encode_done_answer() { return success().take(); }

}  // namespace gradmint
