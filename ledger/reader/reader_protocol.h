// What a reading child and its parent say to each other: one request, then one answer, or for the
// state as many as it takes. Each is a frame: its length (u32), then so many bytes, in the codec of
// the ledger. The child has read bytes of a stranger, so the parent believes none of its lengths.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/codec.h"
#include "ledger/ledger_reader.h"

namespace gradmint {

enum class ReaderAsk : std::uint8_t {
  open = 1,
  genesis,
  blocks,
  transactions,
  heights,
  state,
  checkpoint,
  compare
};

inline constexpr std::size_t kReaderRequestBytesMax = std::size_t{1} << 20;
// The largest value that a database of ours can hold is a block of 8 MiB with what it caused.
inline constexpr std::size_t kReaderValueBytesMax = std::size_t{64} << 20;
inline constexpr std::size_t kReaderAnswerBytesMax = 4 * kReaderValueBytesMax + 4096;
// Answers are gathered up to this, so that a small block does not cost a change of process.
inline constexpr std::size_t kReaderBatchBytes = std::size_t{256} << 10;
inline constexpr std::uint32_t kReaderBlocksMax = 256;
inline constexpr std::uint32_t kReaderEntriesMax = 4096;

struct ReaderRequest {
  ReaderAsk ask = ReaderAsk::open;
  std::string directory;     // open
  std::uint64_t height = 0;  // blocks: the first wanted
  std::vector<Hash> ids;     // transactions; heights: one account
};
Bytes encode_request(const ReaderRequest& request);
std::optional<ReaderRequest> decode_request(ByteView bytes);

// An answer begins with one byte: 1, then the value; or 0, then an Error.
Bytes encode_failure(const Error& error);
// The value's bytes, or the Error that was sent, or nothing where it is no answer.
std::optional<Result<ByteView>> decode_answer(ByteView bytes);

struct StateEntry {
  std::string key;
  Bytes value;
};

Bytes encode_tip_answer(const std::optional<Tip>& tip);
std::optional<std::optional<Tip>> decode_tip_answer(ByteView value);
Bytes encode_bytes_answer(ByteView bytes);
std::optional<Bytes> decode_bytes_answer(ByteView value);
Bytes encode_blocks_answer(const std::vector<StoredBlock>& blocks);
std::optional<std::vector<StoredBlock>> decode_blocks_answer(ByteView value);
Bytes encode_places_answer(const std::vector<std::optional<TransactionPlace>>& places);
std::optional<std::vector<std::optional<TransactionPlace>>> decode_places_answer(ByteView value);
Bytes encode_heights_answer(const std::vector<std::uint64_t>& heights);
std::optional<std::vector<std::uint64_t>> decode_heights_answer(ByteView value);
// No entries: the end.
Bytes encode_state_answer(const std::vector<StateEntry>& entries);
std::optional<std::vector<StateEntry>> decode_state_answer(ByteView value);
Bytes encode_checkpoint_answer(const Checkpoint& checkpoint);
std::optional<Checkpoint> decode_checkpoint_answer(ByteView value);
Bytes encode_done_answer();

}  // namespace gradmint
