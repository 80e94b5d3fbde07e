#include "coordinator/aggregate_cli/tensor_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "coordinator/aggregate_cli/row_part.h"
#include "kernels/base/check.h"
#include "kernels/fixed_point.h"
#include "kernels/scan.h"
#include "ledger/durable_file.h"
#include "ledger/model/float_decode.h"

namespace gradmint {
namespace {

constexpr std::size_t kPieceValues = std::size_t{1} << 20;  // of the bounded buffer

Error not_finite(const TensorFile& file, const std::string& tensor, std::uint64_t index) {
  return {ErrorCode::bad_input, file.quoted() + ": tensor '" + tensor +
                                    "' is not finite at value " + std::to_string(index)};
}

std::optional<kernels::EncodingKind> kind_of(std::string_view dtype, Halves halves) {
  if (dtype == "F32") return kernels::EncodingKind::fp32;
  if (halves == Halves::converted) return std::nullopt;
  if (dtype == "BF16") return kernels::EncodingKind::bf16;
  if (dtype == "F16") return kernels::EncodingKind::fp16;
  return std::nullopt;
}

// The tensors where they follow each other in the file in the wanted order, all of one dtype.
std::optional<kernels::Row> as_they_lie(const TensorFile& file, std::span<const FlatPlace> places,
                                        Halves halves) {
  const SafetensorsTensor* const first = file.find(places.front().name);
  const auto kind = kind_of(first->dtype, halves);
  if (!kind) return std::nullopt;
  std::uint64_t at = first->begin;
  for (const FlatPlace& place : places) {
    const SafetensorsTensor* const tensor = file.find(place.name);
    if (tensor->dtype != first->dtype || tensor->begin != at) return std::nullopt;
    at = tensor->end;
  }
  const ByteView bytes =
      file.mapping.bytes().subspan(file.header.data_offset + first->begin, at - first->begin);
  if (*kind == kernels::EncodingKind::fp32 &&
      reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) != 0) {
    return std::nullopt;
  }
  return kernels::Row({*kind, 0}, bytes, bytes.size() / dtype_size_bytes(first->dtype));
}

struct Pages {
  void* begin;
  std::size_t size_bytes;
};
Pages pages_of(ByteView bytes) {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto at = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t begin = at / page * page;
  return {reinterpret_cast<void*>(begin), bytes.empty() ? 0 : at - begin + bytes.size()};
}

// A file without a name: whatever happens, nothing of it stays.
class UnnamedFile {
 public:
  explicit UnnamedFile(const std::filesystem::path& directory) {
    fd_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd_ >= 0) return;
    std::string name = (directory / ".gradmint-aggregate-XXXXXX").string();
    fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd_ >= 0) ::unlink(name.c_str());
  }
  ~UnnamedFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  bool write(std::span<const float> values) {
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    for (std::size_t left = values.size_bytes(); left > 0;) {
      const ssize_t written = ::write(fd_, bytes, left);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      bytes += written;
      left -= static_cast<std::size_t>(written);
    }
    return true;
  }
  // The whole of it, for as long as the mapping lives.
  Result<MappedFile> map() const {
    return MappedFile::open("/proc/self/fd/" + std::to_string(fd_));
  }

 private:
  int fd_ = -1;
};

std::span<const float> floats_of(const MappedFile& mapping) {
  return {reinterpret_cast<const float*>(mapping.bytes().data()),
          mapping.bytes().size() / sizeof(float)};
}

// Looks at every value where it lies. Empty where there is a -0 in fp32, which only a copy can do
// without.
Result<std::optional<int>> scan(const TensorFile& file, std::span<const FlatPlace> places,
                                const kernels::Row& row) {
  int exponent = kernels::kNoExponent;
  bool negative_zero = false;
  std::uint64_t at = 0;
  for (const FlatPlace& place : places) {
    for (std::uint64_t done = 0; done < place.count;) {
      const std::uint64_t count = std::min<std::uint64_t>(kPieceValues, place.count - done);
      const kernels::Row piece = part_of(row, at + done, count);
      const kernels::ScanResult result = kernels::scan_row(piece);
      if (!result.finite) return not_finite(file, place.name, done + result.first_not_finite);
      if (!place.is_buffer) exponent = std::max(exponent, result.exponent);
      negative_zero =
          negative_zero || (piece.is_plain() && has_negative_zero({piece.values(), piece.size()}));
      release_pages(bytes_of(piece));
      done += count;
    }
    at += place.count;
  }
  if (negative_zero) return std::optional<int>();
  return std::optional<int>(exponent);
}

Result<int> convert(const TensorFile& file, std::span<const FlatPlace> places,
                    const std::filesystem::path& scratch, UnnamedFile& to) {
  int exponent = kernels::kNoExponent;
  std::vector<float> buffer;
  for (const FlatPlace& place : places) {
    const SafetensorsTensor& tensor = *file.find(place.name);
    const ByteView bytes = file.bytes_of(tensor);
    const std::uint64_t size = dtype_size_bytes(tensor.dtype);
    for (std::uint64_t done = 0; done < place.count;) {
      const std::uint64_t count = std::min<std::uint64_t>(kPieceValues, place.count - done);
      buffer.resize(count);
      const ByteView piece = bytes.subspan(done * size, count * size);
      decode_floats(tensor.dtype, piece, buffer);
      const kernels::ScanResult result = kernels::scan_values(buffer);
      if (!result.finite) return not_finite(file, place.name, done + result.first_not_finite);
      if (!place.is_buffer) exponent = std::max(exponent, result.exponent);
      if (!to.write(buffer)) {
        return file_error("write a temporary file for " + file.quoted() + " in", scratch, errno);
      }
      release_pages(piece);
      done += count;
    }
  }
  return exponent;
}

}  // namespace

ByteView TensorFile::bytes_of(const SafetensorsTensor& tensor) const {
  return mapping.bytes().subspan(header.data_offset + tensor.begin, tensor.end - tensor.begin);
}

const SafetensorsTensor* TensorFile::find(const std::string& name) const {
  const auto found = std::lower_bound(
      header.tensors.begin(), header.tensors.end(), name,
      [](const SafetensorsTensor& tensor, const std::string& key) { return tensor.name < key; });
  return found == header.tensors.end() || found->name != name ? nullptr : &*found;
}

Result<TensorFile> open_tensor_file(const std::filesystem::path& path) {
  auto mapping = MappedFile::open(path);
  if (!mapping.ok()) return mapping.error();
  auto header = parse_safetensors(mapping->bytes());
  if (!header.ok()) {
    return Error{header.error().code, "'" + path.string() + "': " + header.error().message};
  }
  release_pages(mapping->bytes());
  return TensorFile{path, *std::move(mapping), *std::move(header)};
}

// Only hints: where one fails, more memory is used and nothing else changes.
void open_window(ByteView bytes) {
  const auto [begin, size] = pages_of(bytes);
  if (size > 0) ::madvise(begin, size, MADV_SEQUENTIAL);
}

void release_pages(ByteView bytes) {
  const auto [begin, size] = pages_of(bytes);
  if (size == 0) return;
  ::madvise(begin, size, MADV_DONTNEED);
  ::madvise(begin, size, MADV_NORMAL);
}

std::vector<FlatPlace> places_of(const ModelLayout& layout) {
  std::vector<FlatPlace> places;
  for (const TensorSpec& spec : layout.tensors()) {
    places.push_back({spec.name, spec.element_count(), spec.is_buffer});
  }
  return places;
}

ByteView FlatValues::bytes() const { return bytes_of(row_); }

std::span<const float> FlatValues::values() const {
  GRADMINT_CHECK(row_.is_plain());
  return {row_.values(), row_.size()};
}

Result<FlatValues> FlatValues::from(const TensorFile& file, std::span<const FlatPlace> places,
                                    const std::filesystem::path& scratch, Halves halves) {
  GRADMINT_CHECK(!places.empty());
  FlatValues flat;
  if (const auto lying = as_they_lie(file, places, halves)) {
    const auto exponent = scan(file, places, *lying);
    if (!exponent.ok()) return exponent.error();
    if (exponent->has_value()) {
      flat.row_ = *lying;
      flat.exponent_ = **exponent;
      return flat;
    }
  }
  UnnamedFile copy(scratch);
  if (!copy.is_open()) return file_error("make a temporary file in", scratch, errno);
  const auto exponent = convert(file, places, scratch, copy);
  if (!exponent.ok()) return exponent.error();
  auto mapping = copy.map();
  if (!mapping.ok()) return mapping.error();
  flat.converted_ = *std::move(mapping);
  flat.row_ = kernels::Row(floats_of(*flat.converted_));
  flat.exponent_ = *exponent;
  return flat;
}

}  // namespace gradmint
