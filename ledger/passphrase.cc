// Where a passphrase comes from: a file, a descriptor or the terminal; never an argument, which
// every process on the machine can read.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "ledger/durable_file.h"
#include "ledger/keystore.h"

namespace gradmint {

namespace {

constexpr std::size_t kPassphraseBytesMax = 4096;
constexpr const char* kDescriptorVariable = "GRADMINT_PASSPHRASE_FD";

// The first line, without its end.
std::string first_line(std::string text) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.pop_back();
  OPENSSL_cleanse(text.data(), text.size());
  return line;
}

// Reads up to the end of a line (so that a terminal or a pipe can go on), or to the end of input.
Result<std::string> read_line(int fd, const std::string& source) {
  std::string line;
  for (char c = 0; line.size() <= kPassphraseBytesMax;) {
    const ssize_t got = ::read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {  // a writer is there and has not written yet
      pollfd ready{fd, POLLIN, 0};
      ::poll(&ready, 1, -1);
      continue;
    }
    if (got < 0) {
      return Error{errno == EISDIR ? ErrorCode::bad_input : ErrorCode::io,
                   "cannot read the passphrase from " + source + ": " + std::strerror(errno)};
    }
    if (got == 0 || c == '\n') return first_line(std::move(line));
    line.push_back(c);
  }
  return Error{ErrorCode::bad_input, "the passphrase from " + source + " is longer than " +
                                         std::to_string(kPassphraseBytesMax) + " bytes"};
}

Result<std::string> read_descriptor(const std::string& number) {
  int fd = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), fd);
  if (error != std::errc() || end != number.data() + number.size() || fd < 0) {
    return Error{ErrorCode::bad_input, std::string(kDescriptorVariable) +
                                           " must be the number of an open descriptor, not '" +
                                           number + "'"};
  }
  return read_line(fd, "descriptor " + number);
}

// The terminal, with its echo off for as long as the object lives.
class QuietTerminal {
 public:
  QuietTerminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(fd_, TCSAFLUSH, &quiet) == 0;
  }
  ~QuietTerminal() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  bool usable() const { return changed_; }
  Result<std::string> ask(std::string_view prompt) {
    say(prompt);
    auto answer = read_line(fd_, "the terminal");
    say("\n");
    return answer;
  }

 private:
  void say(std::string_view text) {
    // A terminal that cannot be written to fails at the read that follows.
    [[maybe_unused]] const ssize_t written = ::write(fd_, text.data(), text.size());
  }
  int fd_;
  bool changed_ = false;
  termios before_{};
};

Result<std::string> ask_terminal(bool confirm) {
  QuietTerminal terminal;
  if (!terminal.usable()) {
    return Error{ErrorCode::bad_input,
                 "there is no terminal to ask for the passphrase; name a passphrase file, or set " +
                     std::string(kDescriptorVariable)};
  }
  auto passphrase = terminal.ask("Passphrase: ");
  if (!passphrase.ok() || !confirm) return passphrase;
  const auto again = terminal.ask("Passphrase again: ");
  if (!again.ok()) return again.error();
  if (*again != *passphrase) {
    return Error{ErrorCode::bad_input, "the two passphrases differ; try again"};
  }
  return passphrase;
}

Result<std::string> find_passphrase(const std::filesystem::path& file, bool confirm) {
  if (!file.empty()) {
    // Pipes and descriptors (/dev/fd/3) have no owner to speak of.
    if (std::error_code failed; std::filesystem::is_regular_file(file, failed)) {
      if (Status own = refuse_when_others_can_read(file); !own.ok()) return own.error();
    }
    // To open a pipe that nobody writes to would wait for ever; so opened, it is at its end.
    const Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd.is_open()) return file_error("open", file, errno);
    return read_line(fd.get(), "'" + file.string() + "'");
  }
  if (const char* number = std::getenv(kDescriptorVariable)) return read_descriptor(number);
  return ask_terminal(confirm);
}

}  // namespace

Result<std::string> obtain_passphrase(const std::filesystem::path& passphrase_file, bool confirm) {
  auto passphrase = find_passphrase(passphrase_file, confirm);
  if (passphrase.ok() && passphrase->empty()) {
    return Error{ErrorCode::bad_input, "the passphrase is empty; give one"};
  }
  return passphrase;
}

}  // namespace gradmint
