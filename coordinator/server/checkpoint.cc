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
  auto blob = home.blob_store().get_verified(task.layout_root);
  if (!blob) return blob.error();
  const ByteView bytes = blob->bytes();
  return ModelLayout::decode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Result<CheckpointWriter> CheckpointWriter::open(const Home& home, const TaskSpec& task) {
  auto layout = load_layout(home, task);
  if (!layout) return layout.error();
  return CheckpointWriter(home.blob_store(), home.checkpoints(), *std::move(layout),
                          model_metadata(task));
}

void CheckpointWriter::describe(const TaskSpec& task) { metadata_ = model_metadata(task); }

Status CheckpointWriter::write_file(const std::string& name, std::uint64_t round,
                                    std::span<const float> model) const {
  if (Status made = create_directory_synced(blobs_.disk(), directory_); !made) return made;
  std::map<std::string, std::string> metadata = metadata_;
  metadata["gradmint.round"] = std::to_string(round);
  const auto bytes = write_safetensors(layout_, model, metadata);
  return replace_file(blobs_.disk(), directory_ / name, bytes);
}

Status CheckpointWriter::write(std::uint64_t round, std::span<const float> model) const {
  if (Status s = write_file(file_name(round), round, model); !s) return s;
  *written_ = round;
  if (round > kKept)  // it may be gone
    static_cast<void>(blobs_.disk().remove(directory_ / file_name(round - kKept)));
  return Status{};
}

// A link costs nothing, however large the model. Renamed over the old one, so that there is always
// a whole file of the name.
bool CheckpointWriter::link_best(std::uint64_t round) const {
  const std::filesystem::path link = directory_ / "best.safetensors.new";
  Disk& disk = blobs_.disk();
  static_cast<void>(disk.remove(link));
  if (disk.link(directory_ / file_name(round), link) == 0 && disk.rename(link, best_file()) == 0)
    return true;
  static_cast<void>(disk.remove(link));
  return false;
}

Status CheckpointWriter::keep_as_best(std::uint64_t round, const Hash& model_root) const {
  if (*written_ == round && link_best(round)) return {};
  const auto blob = blobs_.get_verified(model_root);
  if (!blob) return blob.error();
  const auto model = decode_flat_fp32(blob->bytes());
  if (!model) return model.error();
  return write_file(best_file().filename().string(), round, *model);
}

}  // namespace gradmint
