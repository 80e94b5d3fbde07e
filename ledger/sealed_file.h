// A small file of this project's own that must not be taken for good when any byte of it changed: a
// line that names kind and version, the content, and the SHA-256 of both. Thread safe.
#pragma once

#include <filesystem>
#include <string_view>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/disk.h"

namespace gradmint {

// The content. corrupt when a byte was changed, unsupported when its first line is another one,
// not_found when there is none; what to do then is the caller's to say.
Result<Bytes> read_sealed_file(const std::filesystem::path& file, std::string_view first_line,
                               std::size_t max_content_bytes, Links links = Links::follow,
                               Disk& disk = posix_disk());
// In one step, synced (durable_file.h). `mode` are its permission bits.
Status write_sealed_file(const std::filesystem::path& file, std::string_view first_line,
                         ByteView content, unsigned mode = 0644, Disk& disk = posix_disk());

}  // namespace gradmint
