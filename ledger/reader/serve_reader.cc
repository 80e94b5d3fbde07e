#include "ledger/reader/serve_reader.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <exception>
#include <memory>

#include "kernels/base/sanitizers.h"
#include "ledger/reader/frame_socket.h"
#include "ledger/reader/reader_protocol.h"
#include "ledger/store.h"

namespace gradmint {
namespace {

void limit_this_process() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
// A sanitizer's shadow is larger than any limit.
#if !GRADMINT_ADDRESS_SANITIZER && !GRADMINT_THREAD_SANITIZER
  // Logs and manifest (320 MiB at most), their text and their entries, and LevelDB's own.
  constexpr rlim_t kMemoryBytes = rlim_t{4} << 30;
  const rlimit memory{kMemoryBytes, kMemoryBytes};
  ::setrlimit(RLIMIT_AS, &memory);
#endif
}

class Server {
 public:
  explicit Server(FrameSocket socket) : socket_(std::move(socket)) {}

  int run() {
    Bytes frame;
    while (!socket_.receive(frame, kReaderRequestBytesMax, -1)) {
      const auto request = decode_request(frame);
      if (!request) return 1;
      try {
        if (!answer(*request)) return 0;
      } catch (const std::exception& fault) {
        // Most often memory: a length in the store is larger than the limit.
        socket_.send(encode_failure(
            {ErrorCode::corrupt, "the ledger in '" + directory_ +
                                     "' is damaged or hostile: reading it failed with " +
                                     fault.what() + "; restore it from a copy"}));
        return 1;
      }
    }
    return 0;
  }

 private:
  bool answer(const ReaderRequest& request) {
    if (request.ask == ReaderAsk::open) return open(request.directory);
    if (!store_) return false;
    switch (request.ask) {
      case ReaderAsk::genesis:
        return tell(store_->genesis(), encode_bytes_answer);
      case ReaderAsk::blocks:
        return blocks(request.height);
      case ReaderAsk::transactions:
        return tell(store_->find_transactions(request.ids), encode_places_answer);
      case ReaderAsk::heights:
        if (request.ids.size() != 1) return false;
        return tell(store_->heights_of(request.ids.front()), encode_heights_answer);
      case ReaderAsk::state:
        return state();
      case ReaderAsk::checkpoint:
        return tell(store_->checkpoint(), encode_checkpoint_answer);
      case ReaderAsk::compare: {
        const Status whole = store_->compare_with_checkpoint();
        return socket_.send(whole.ok() ? encode_done_answer() : encode_failure(whole.error()));
      }
      case ReaderAsk::open:
        break;
    }
    return false;
  }

  template <class T, class Encode>
  bool tell(const Result<T>& result, const Encode& encode) {
    return socket_.send(result.ok() ? encode(*result) : encode_failure(result.error()));
  }

  bool open(const std::string& directory) {
    directory_ = directory;
    auto opened = LedgerStore::open(directory, LedgerStore::Mode::read_only);
    if (!opened.ok()) return socket_.send(encode_failure(opened.error()));
    store_ = *std::move(opened);
    return socket_.send(encode_tip_answer(store_->tip()));
  }

  bool blocks(std::uint64_t height) {
    std::vector<StoredBlock> found;
    std::size_t bytes = 0;
    while (found.size() < kReaderBlocksMax && bytes < kReaderBatchBytes) {
      auto block = store_->block(height + found.size());
      // The first one was asked for; what follows it will be, if anybody wants it.
      if (!block.ok() && found.empty()) return socket_.send(encode_failure(block.error()));
      if (!block.ok()) break;
      bytes += block->header.size() + block->transactions.size() + block->certificate.size() +
               block->receipts.size();
      found.push_back(*std::move(block));
    }
    return socket_.send(encode_blocks_answer(found));
  }

  bool state() {
    std::vector<StateEntry> entries;
    std::size_t bytes = 0;
    bool heard = true;
    const auto flush = [&] {
      heard = heard && socket_.send(encode_state_answer(entries));
      entries.clear();
      bytes = 0;
    };
    const Status scanned = store_->for_each_state([&](std::string_view key, ByteView value) {
      entries.push_back({std::string(key), Bytes(value.begin(), value.end())});
      bytes += key.size() + value.size();
      if (bytes >= kReaderBatchBytes || entries.size() == kReaderEntriesMax) flush();
    });
    if (!entries.empty()) flush();
    if (!scanned.ok()) return socket_.send(encode_failure(scanned.error()));
    flush();  // none: the end
    return heard;
  }

  FrameSocket socket_;
  std::string directory_;
  std::unique_ptr<LedgerStore> store_;
};

}  // namespace

int serve_reader(int socket) {
  limit_this_process();
  return Server(FrameSocket(Descriptor(socket))).run();
}

}  // namespace gradmint
