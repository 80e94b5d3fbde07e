// The log of a program that runs for long: spdlog's default logger over sinks that never stop it.
// Standard error gets the asked level through an OutputQueue, at most so many lines of each level a
// minute; a file, where one is named, is renamed when it is full, and the oldest goes. Lines are
// printable, whatever they quote. A full disk costs the log, and nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "kernels/base/result.h"

namespace gradmint {

struct LogFile {
  std::filesystem::path path;                         // path, path.1, path.2, … on disk
  std::uint64_t max_bytes = std::uint64_t{10} << 20;  // of each
  std::uint64_t files = 3;                            // with the one being written
};

inline constexpr std::uint64_t kMaxLogLinesPerMinute = 1000;  // of a level, on standard error

// trace, debug, info, warn, error or off. Once, before other threads log.
void start_log(const std::string& program, const std::string& level);
// From here on what is worth keeping (info and above, and what start_log was asked for) is kept
// there as well. Its folder is made.
Status add_log_file(const LogFile& file);
// Writes what waits, for at most patience_ms; nothing is logged from then on.
void stop_log(int patience_ms);

}  // namespace gradmint
