#include "ledger/sealed_file.h"

#include <algorithm>
#include <string>

#include "ledger/codec.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"

namespace gradmint {
namespace {

constexpr std::size_t kDigestBytes = sizeof(Hash::bytes);

}  // namespace

Result<Bytes> read_sealed_file(const std::filesystem::path& file, std::string_view first_line,
                               std::size_t max_content_bytes, Links links, Disk& disk) {
  const auto whole = disk.read(file, first_line.size() + max_content_bytes + kDigestBytes, links);
  if (!whole.ok()) return whole.error();
  const ByteView bytes(*whole);
  const Error damaged{ErrorCode::corrupt, "'" + file.string() + "' is damaged"};
  if (bytes.size() < kDigestBytes) return damaged;
  const ByteView sealed = bytes.first(bytes.size() - kDigestBytes);
  if (Reader(bytes.subspan(sealed.size())).hash() != sha256(sealed)) return damaged;
  const ByteView line = as_bytes(first_line);
  if (sealed.size() < line.size() || !std::equal(line.begin(), line.end(), sealed.begin())) {
    return Error{ErrorCode::unsupported,
                 "'" + file.string() + "' was written by another version of gradmint"};
  }
  return Bytes(sealed.begin() + static_cast<std::ptrdiff_t>(line.size()), sealed.end());
}

Status write_sealed_file(const std::filesystem::path& file, std::string_view first_line,
                         ByteView content, unsigned mode, Disk& disk) {
  Writer out;
  out.raw(as_bytes(first_line));
  out.raw(content);
  out.hash(sha256(out.view()));
  return replace_file(disk, file, out.view(), mode);
}

}  // namespace gradmint
