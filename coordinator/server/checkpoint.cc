#include "coordinator/server/checkpoint.h"

#include <cstdio>

#include "ledger/blobs.h"
#include "ledger/durable_file.h"
#include "ledger/model/safetensors.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kKept = 3;

std::string file_name(std::uint64_t round) {
  char name[64];
  std::snprintf(name, sizeof name, "round-%06llu.safetensors",
                static_cast<unsigned long long>(round));
  return name;
}

}  // namespace

Result<CheckpointWriter> CheckpointWriter::open(const Home& home, const Hash& layout_root) {
  auto blob = BlobStore(home.blobs()).get_verified(layout_root);
  if (!blob) return blob.error();
  const ByteView bytes = blob->bytes();
  auto layout = ModelLayout::decode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!layout) return layout.error();
  return CheckpointWriter(home.checkpoints(), *std::move(layout));
}

Status CheckpointWriter::write(std::uint64_t round, std::span<const float> model) const {
  if (Status made = create_directory_synced(directory_); !made) return made;
  const auto bytes = write_safetensors(layout_, model, {{"gradmint.round", std::to_string(round)}});
  if (Status s = replace_file(directory_ / file_name(round), bytes); !s) return s;
  std::error_code ignored;
  if (round > kKept) std::filesystem::remove(directory_ / file_name(round - kKept), ignored);
  return Status{};
}

}  // namespace gradmint
