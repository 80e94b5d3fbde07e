#include "ledger/reader/child_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <deque>

#include "ledger/durable_file.h"
#include "ledger/reader/frame_socket.h"
#include "ledger/reader/reader_protocol.h"

extern char** environ;

namespace gradmint {
namespace {

// For each piece of an answer. Opening a store turns up to 256 MiB of logs into tables first.
constexpr int kPatienceMs = 300'000;

// A child that is awaited, and ended where it must be, with its object.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  ~Child() { end(); }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;

  // How it ended, as waitpid says. It has closed its socket: if it lives on, it is ended.
  int wait() {
    int how = 0;
    for (int i = 0; i < 200 && pid_ > 0; ++i) {
      if (::waitpid(pid_, &how, WNOHANG) == pid_) {
        pid_ = -1;
        return how;
      }
      ::poll(nullptr, 0, 10);
    }
    return end();
  }
  int end() {
    int how = 0;
    if (pid_ <= 0) return how;
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, &how, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return how;
  }

 private:
  pid_t pid_;  // -1: awaited, or moved from
};

class ChildReader : public StoreReader {
 public:
  ChildReader(std::filesystem::path directory, Child child, FrameSocket socket)
      : directory_(std::move(directory)), child_(std::move(child)), socket_(std::move(socket)) {}

  Status open() {
    ReaderRequest request;
    request.directory = directory_.string();
    auto tip = ask<std::optional<Tip>>(request, decode_tip_answer);
    if (!tip.ok()) return tip.error();
    tip_ = *tip;
    return {};
  }

  Result<Bytes> genesis() const override {
    return ask<Bytes>({ReaderAsk::genesis, {}, 0, {}}, decode_bytes_answer);
  }
  std::optional<Tip> tip() const override { return tip_; }

  Result<StoredBlock> block(std::uint64_t height) const override {
    if (ahead_.empty() || height != ahead_from_) {
      auto blocks =
          ask<std::vector<StoredBlock>>({ReaderAsk::blocks, {}, height, {}}, decode_blocks_answer);
      if (!blocks.ok()) return blocks.error();
      if (blocks->empty()) return nonsense();
      ahead_.assign(std::make_move_iterator(blocks->begin()),
                    std::make_move_iterator(blocks->end()));
    }
    StoredBlock block = std::move(ahead_.front());
    ahead_.pop_front();
    ahead_from_ = height + 1;
    return block;
  }

  Result<std::optional<TransactionPlace>> find_transaction(const Hash& id) const override {
    auto places = find_transactions({id});
    if (!places.ok()) return places.error();
    return places->front();
  }

  Result<std::vector<std::optional<TransactionPlace>>> find_transactions(
      const std::vector<Hash>& ids) const override {
    auto places = ask<std::vector<std::optional<TransactionPlace>>>(
        {ReaderAsk::transactions, {}, 0, ids}, decode_places_answer);
    if (places.ok() && places->size() != ids.size()) return nonsense();
    return places;
  }

  Result<std::vector<std::uint64_t>> heights_of(const Hash& account) const override {
    return ask<std::vector<std::uint64_t>>({ReaderAsk::heights, {}, 0, {account}},
                                           decode_heights_answer);
  }

  Status for_each_state(const StateVisitor& visit) const override {
    if (const Status sent = send({ReaderAsk::state, {}, 0, {}}); !sent.ok()) return sent;
    for (;;) {
      auto entries = hear<std::vector<StateEntry>>(decode_state_answer);
      if (!entries.ok()) return entries.error();
      if (entries->empty()) return {};
      for (const StateEntry& entry : *entries) visit(entry.key, entry.value);
    }
  }

  Result<Checkpoint> checkpoint() const override {
    return ask<Checkpoint>({ReaderAsk::checkpoint, {}, 0, {}}, decode_checkpoint_answer);
  }

  Status compare_with_checkpoint() const override {
    const auto done = ask<bool>({ReaderAsk::compare, {}, 0, {}}, [](ByteView value) {
      return value.empty() ? std::optional<bool>(true) : std::nullopt;
    });
    return done.ok() ? Status() : Status(done.error());
  }

 private:
  Status send(const ReaderRequest& request) const {
    if (failure_) return *failure_;
    return socket_.send(encode_request(request)) ? Status() : Status(died());
  }

  template <class T, class Decode>
  Result<T> hear(const Decode& decode) const {
    Bytes frame;
    if (const auto end = socket_.receive(frame, kReaderAnswerBytesMax, kPatienceMs)) {
      if (*end == FrameEnd::closed) return died();
      return *end == FrameEnd::overran
                 ? fail(ErrorCode::corrupt, "its reader gave no answer for " +
                                                std::to_string(kPatienceMs / 1000) + " s")
                 : nonsense();
    }
    const auto answer = decode_answer(frame);
    if (!answer) return nonsense();
    if (!answer->ok()) return answer->error();
    auto value = decode(**answer);
    if (!value) return nonsense();
    return *std::move(value);
  }

  template <class T, class Decode>
  Result<T> ask(const ReaderRequest& request, const Decode& decode) const {
    if (const Status sent = send(request); !sent.ok()) return sent.error();
    return hear<T>(decode);
  }

  // The first failure is the last word: there is nobody to ask any more.
  Error fail(ErrorCode code, const std::string& why) const {
    if (!failure_) {
      failure_ = Error{code, "the ledger in '" + directory_.string() + "' cannot be read: " + why +
                                 "; its database is damaged or "
                                 "hostile: restore it from a copy, or ask for a bundle "
                                 "(gradmint audit export)"};
    }
    socket_.close();
    return *failure_;
  }
  Error nonsense() const {
    child_.end();
    return fail(ErrorCode::corrupt, "its reader answered nonsense");
  }
  Error died() const {
    if (failure_) return *failure_;
    const int how = child_.wait();
    if (!WIFSIGNALED(how)) {
      return fail(ErrorCode::corrupt,
                  "its reader ended with status " + std::to_string(WEXITSTATUS(how)));
    }
    const int number = WTERMSIG(how);
    if (number == SIGKILL || number == SIGTERM || number == SIGINT || number == SIGHUP) {
      failure_ = Error{ErrorCode::io, "the process that read the ledger in '" +
                                          directory_.string() + "' was killed (" +
                                          ::strsignal(number) + "): try again, with more memory"};
      return *failure_;
    }
    return fail(ErrorCode::corrupt,
                std::string("its reader died of it (") + ::strsignal(number) + ")");
  }

  const std::filesystem::path directory_;
  mutable Child child_;
  mutable FrameSocket socket_;
  mutable std::optional<Error> failure_;
  mutable std::deque<StoredBlock> ahead_;  // blocks that came with the last one asked for
  mutable std::uint64_t ahead_from_ = 0;
  std::optional<Tip> tip_;
};

// All but the socket lead nowhere: what LevelDB says when it dies is not for the user.
Result<Child> start(const std::vector<std::string>& command, int socket) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int fd : {0, 1, 2}) {
    ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
  }
  ::posix_spawn_file_actions_adddup2(&actions, socket, kReaderSocket);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, kReaderSocket + 1);
  std::vector<std::string> words = command;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, pointers[0], &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return file_error("start", command.front(), failed);
  return Child(pid);
}

}  // namespace

Result<std::unique_ptr<StoreReader>> read_in_child(const std::filesystem::path& directory,
                                                   const std::vector<std::string>& command) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return Error{ErrorCode::io, std::string("cannot make a socket: ") + ::strerror(errno)};
  }
  Descriptor ours(pair[0]), given(pair[1]);
  // Above the numbers that the child's own ends take.
  Descriptor theirs(::fcntl(given.get(), F_DUPFD_CLOEXEC, kReaderSocket + 1));
  if (theirs.get() < 0) {
    return Error{ErrorCode::io, std::string("cannot make a socket: ") + ::strerror(errno)};
  }
  auto child = start(command, theirs.get());
  if (!child.ok()) return child.error();
  // Or its end would not be noticed: the socket ends when nobody holds its other end.
  given.close();
  theirs.close();
  auto reader =
      std::make_unique<ChildReader>(directory, *std::move(child), FrameSocket(std::move(ours)));
  if (const Status opened = reader->open(); !opened.ok()) return opened.error();
  return std::unique_ptr<StoreReader>(std::move(reader));
}

}  // namespace gradmint
