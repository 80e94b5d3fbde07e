// The hidden command by which this program starts itself to read a stranger's database
// (ledger/reader/serve_reader.h).
#pragma once

namespace gradmint {

inline constexpr const char* kReaderCommand = "ledger-reader";

}  // namespace gradmint
