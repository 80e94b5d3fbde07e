// What a leveldb::Status means to us: which kind of failure, in one line for a person.
#pragma once

#include <leveldb/status.h>

#include <filesystem>
#include <string_view>

#include "kernels/base/result.h"

namespace gradmint {

// `what` completes "cannot ...". Precondition: !status.ok().
Error leveldb_error(std::string_view what, const std::filesystem::path& directory,
                    const leveldb::Status& status);

// The line for bytes that are not what was written.
Error damage_error(const std::filesystem::path& directory, const std::string& detail);

}  // namespace gradmint
