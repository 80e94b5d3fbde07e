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

Result<ModelLayout> load_layout(const Home& home, const TaskSpec& task) {
  auto blob = BlobStore(home.blobs()).get_verified(task.layout_root);
  if (!blob) return blob.error();
  const ByteView bytes = blob->bytes();
  return ModelLayout::decode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<CheckpointWriter> CheckpointWriter::open(const Home& home, const TaskSpec& task) {
  auto layout = load_layout(home, task);
  if (!layout) return layout.error();
  return CheckpointWriter(home.checkpoints(), *std::move(layout), model_metadata(task));
}

Status CheckpointWriter::write(std::uint64_t round, std::span<const float> model) const {
  if (Status made = create_directory_synced(directory_); !made) return made;
  std::map<std::string, std::string> metadata = metadata_;
  metadata["gradmint.round"] = std::to_string(round);
  const auto bytes = write_safetensors(layout_, model, metadata);
  if (Status s = replace_file(directory_ / file_name(round), bytes); !s) return s;
  std::error_code ignored;
  if (round > kKept) std::filesystem::remove(directory_ / file_name(round - kKept), ignored);
  return Status{};
}

}  // namespace gradmint
