#include "ledger/checkpoint_file.h"

#include "ledger/codec.h"
#include "ledger/sealed_file.h"

namespace gradmint {

namespace {

constexpr std::string_view kFirstLine = "gradmint checkpoint 1\n";
constexpr std::size_t kCertificateBytesMax = std::size_t{1} << 20;
constexpr std::size_t kContentBytesMax = kCertificateBytesMax + 4096;

}  // namespace

Result<CheckpointFile> read_checkpoint_file(const std::filesystem::path& file, Disk& disk) {
  const auto content = read_sealed_file(file, kFirstLine, kContentBytesMax, Links::refuse, disk);
  const Error damaged{ErrorCode::corrupt, "'" + file.string() +
                                              "' is damaged; audit the ledger, and if the audit "
                                              "finds nothing missing, delete this file"};
  if (!content.ok()) return content.error().code == ErrorCode::corrupt ? damaged : content.error();

  Reader in(*content);
  CheckpointFile checkpoint;
  checkpoint.sequence = in.u64();
  checkpoint.height = in.u64();
  checkpoint.block_hash = in.hash();
  checkpoint.certificate = in.bytes(kCertificateBytesMax);
  if (!in.finished()) return damaged;
  return checkpoint;
}

Status write_checkpoint_file(const std::filesystem::path& file, const CheckpointFile& checkpoint,
                             Disk& disk) {
  GRADMINT_CHECK(checkpoint.certificate.size() <= kCertificateBytesMax);
  Writer out;
  out.u64(checkpoint.sequence);
  out.u64(checkpoint.height);
  out.hash(checkpoint.block_hash);
  out.bytes(checkpoint.certificate);
  return write_sealed_file(file, kFirstLine, out.view(), 0644, disk);
}

}  // namespace gradmint
