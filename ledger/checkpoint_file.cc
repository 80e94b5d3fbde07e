#include "ledger/checkpoint_file.h"

#include "ledger/codec.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"

namespace gradmint {

namespace {

constexpr std::string_view kMagic = "gradmint checkpoint 1\n";
constexpr std::size_t kCertificateBytesMax = std::size_t{1} << 20;
constexpr std::size_t kFileBytesMax = kCertificateBytesMax + 4096;

}  // namespace

Result<CheckpointFile> read_checkpoint_file(const std::filesystem::path& file) {
  const auto content = read_file(file, kFileBytesMax, Links::refuse);
  if (!content.ok()) return content.error();
  const Error damaged{ErrorCode::corrupt, "'" + file.string() +
                                              "' is damaged; audit the ledger, and if the audit "
                                              "finds nothing missing, delete this file"};
  Hash sum;
  if (content->size() < sum.bytes.size()) return damaged;
  const ByteView body = ByteView(*content).first(content->size() - sum.bytes.size());
  Reader sum_reader(ByteView(*content).subspan(body.size()));
  if (sum_reader.hash() != sha256(body)) return damaged;

  Reader in(body);
  CheckpointFile checkpoint;
  const ByteView magic = in.raw(kMagic.size());
  checkpoint.sequence = in.u64();
  checkpoint.height = in.u64();
  checkpoint.block_hash = in.hash();
  checkpoint.certificate = in.bytes(kCertificateBytesMax);
  if (!in.finished()) return damaged;
  if (std::string_view(reinterpret_cast<const char*>(magic.data()), magic.size()) != kMagic) {
    return Error{ErrorCode::unsupported,
                 "'" + file.string() + "' was written by another version of gradmint"};
  }
  return checkpoint;
}

Status write_checkpoint_file(const std::filesystem::path& file, const CheckpointFile& checkpoint) {
  GRADMINT_CHECK(checkpoint.certificate.size() <= kCertificateBytesMax);
  Writer out;
  out.raw(as_bytes(kMagic));
  out.u64(checkpoint.sequence);
  out.u64(checkpoint.height);
  out.hash(checkpoint.block_hash);
  out.bytes(checkpoint.certificate);
  out.hash(sha256(out.view()));
  return replace_file(file, out.view());
}

}  // namespace gradmint
