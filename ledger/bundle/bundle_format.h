// The bundle: a ledger up to some height as one canonical file, without a database. Whoever holds
// the same blocks makes the same bytes. docs/audit.md has the table. Little-endian, lengths first
// and capped. At the end the SHA-256 of all that comes before but the bytes of the blobs, whose
// roots are in it: a bundle of any size is opened in the time that its blocks take. Pure.
#pragma once

#include <string_view>

#include "ledger/block.h"
#include "ledger/bytes.h"

namespace gradmint {

inline constexpr std::string_view kBundleMagic = "gradmint-bundle\n";
inline constexpr std::uint32_t kBundleSchema = 1;

inline constexpr std::size_t kBundleGenesisBytesMax = std::size_t{4} << 20;
inline constexpr std::size_t kBundleHeaderBytesMax = 4096;
inline constexpr std::size_t kBundleTransactionsBytesMax = kMaxBlockBytes;
inline constexpr std::size_t kBundleCertificateBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kBundleReceiptsBytesMax = std::size_t{64} << 20;
// A header is longer, so that a file of zeros does not pass for billions of blocks.
inline constexpr std::size_t kBundleHeaderBytesMin = 64;
// Blobs begin at multiples of this: they are used where they lie.
inline constexpr std::size_t kBundleAlignmentBytes = 64;

struct BundleHead {
  Hash chain_id;
  std::uint64_t height = 0;  // of the newest block in it
  Hash tip_hash;
};

// Magic, schema and what BundleHead says.
inline constexpr std::size_t kBundleHeadBytes = kBundleMagic.size() + 4 + 32 + 8 + 32;
inline constexpr std::size_t kBundleDigestBytes = 32;

}  // namespace gradmint
