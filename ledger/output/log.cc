#include "ledger/output/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <mutex>

#include "kernels/base/printable.h"
#include "ledger/output/line_limit.h"
#include "ledger/output/output_queue.h"

namespace gradmint {
namespace {

std::uint64_t milliseconds_of(spdlog::log_clock::time_point time) {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<milliseconds>(time.time_since_epoch()).count());
}

std::string text_of(const spdlog::details::log_msg& message) {
  return printable({message.payload.data(), message.payload.size()});
}

// What is formatted is the printable text.
template <class Then>
void with_printable(const spdlog::details::log_msg& message, const Then& then) {
  const std::string text = text_of(message);
  spdlog::details::log_msg copy = message;
  copy.payload = text;
  then(copy);
}

class ErrorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ErrorSink()
      : queue_(STDERR_FILENO,
               [](std::uint64_t lines) {
                 return std::to_string(lines) +
                        " lines of the log were dropped: nobody read them\n";
               }),
        limit_(kMaxLogLinesPerMinute) {}
  void close(int patience_ms) { queue_.close(patience_ms); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::uint64_t now_ms = milliseconds_of(message.time);
    const auto name = spdlog::level::to_string_view(message.level);
    for (const LineLimit::Summary& summary : limit_.due(now_ms)) {
      queue_.write(std::to_string(summary.left_out) + " more lines of level " + summary.kind +
                   " in a minute were left out; the last: " + summary.last + "\n");
    }
    if (!limit_.admit(std::string(name.data(), name.size()), text_of(message), now_ms)) return;
    with_printable(message, [&](const spdlog::details::log_msg& clean) {
      spdlog::memory_buf_t line;
      formatter_->format(clean, line);
      queue_.write(std::string(line.data(), line.size()));
    });
  }
  void flush_() override {}

 private:
  OutputQueue queue_;
  LineLimit limit_;
};

class FileSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(const LogFile& file)
      : file_(file.path.string(), file.max_bytes, static_cast<std::size_t>(file.files - 1)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    with_printable(message, [&](const spdlog::details::log_msg& clean) {
      file_.log(clean);
      file_.flush();
    });
  }
  void flush_() override { file_.flush(); }

 private:
  spdlog::sinks::rotating_file_sink_st file_;
};

std::shared_ptr<ErrorSink>& error_sink() {
  static std::shared_ptr<ErrorSink> sink;
  return sink;
}

}  // namespace

void start_log(const std::string& program, const std::string& level) {
  const auto sink = std::make_shared<ErrorSink>();
  sink->set_level(spdlog::level::from_str(level));
  const auto logger = std::make_shared<spdlog::logger>(program, sink);
  logger->set_level(sink->level());
  // By itself it would write about a full disk to standard error, and wait for its reader.
  logger->set_error_handler([](const std::string&) {});
  spdlog::set_default_logger(logger);
  error_sink() = sink;
}

Status add_log_file(const LogFile& file) {
  std::error_code failed;
  std::filesystem::create_directories(file.path.parent_path(), failed);
  try {
    const auto sink = std::make_shared<FileSink>(file);
    const auto logger = spdlog::default_logger();
    sink->set_level(std::min(logger->level(), spdlog::level::info));
    logger->set_level(sink->level());
    logger->sinks().push_back(sink);
  } catch (const std::exception& fault) {
    return Error{ErrorCode::io, file.path.string() + ": no log is kept there: " + fault.what()};
  }
  return {};
}

void stop_log(int patience_ms) {
  if (error_sink()) error_sink()->close(patience_ms);
}

}  // namespace gradmint
