#include "worker/data/load.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "ledger/durable_file.h"

namespace gradmint {
namespace {

Result<Bytes> gunzip(const Bytes& packed, const std::filesystem::path& file,
                     std::uint64_t cap_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
    return Error{ErrorCode::io, file.string() + ": out of memory while decompressing"};
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  Bytes plain;
  Bytes piece(1 << 20);
  stream.next_in = const_cast<Bytef*>(packed.data());
  std::uint64_t left = packed.size();
  for (;;) {
    if (stream.avail_in == 0) {
      stream.avail_in = static_cast<uInt>(std::min<std::uint64_t>(left, 1U << 30));
      left -= stream.avail_in;
    }
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    const int code = inflate(&stream, Z_NO_FLUSH);
    plain.insert(plain.end(), piece.begin(),
                 piece.begin() + static_cast<std::ptrdiff_t>(piece.size() - stream.avail_out));
    if (plain.size() > cap_bytes)
      return Error{ErrorCode::bad_input, file.string() + ": larger than the limit of " +
                                             std::to_string(cap_bytes) + " bytes"};
    if (code == Z_STREAM_END) break;
    if (code == Z_BUF_ERROR && stream.avail_in == 0 && left == 0)
      return Error{ErrorCode::corrupt, file.string() + ": the gzip stream is truncated after " +
                                           std::to_string(plain.size()) +
                                           " bytes; fetch the file again"};
    if (code != Z_OK && code != Z_BUF_ERROR)
      return Error{ErrorCode::corrupt, file.string() + ": the gzip stream is damaged after " +
                                           std::to_string(plain.size()) +
                                           " bytes; fetch the file again"};
  }
  if (stream.avail_in != 0 || left != 0)
    return Error{ErrorCode::corrupt, file.string() + ": bytes after the end of the gzip stream"};
  return plain;
}

std::optional<std::filesystem::path> find_idx(const std::filesystem::path& dir,
                                              const std::string& stem) {
  for (const char* ending : {"", ".gz"}) {
    std::error_code ignored;
    const std::filesystem::path file = dir / (stem + ending);
    if (std::filesystem::exists(file, ignored)) return file;
  }
  return std::nullopt;
}

Result<Dataset> load_idx_pair(const std::filesystem::path& dir, const std::string& prefix) {
  const auto images = find_idx(dir, prefix + "-images-idx3-ubyte");
  const auto labels = find_idx(dir, prefix + "-labels-idx1-ubyte");
  if (!images || !labels)
    return Error{
        ErrorCode::not_found,
        (dir / (prefix + (images ? "-labels-idx1-ubyte" : "-images-idx3-ubyte"))).string() +
            ": there is no such file, nor with .gz"};
  Result<Bytes> image_bytes = read_data_file(*images);
  if (!image_bytes) return image_bytes.error();
  Result<Bytes> label_bytes = read_data_file(*labels);
  if (!label_bytes) return label_bytes.error();
  return parse_idx(*image_bytes, *label_bytes, images->string(), labels->string());
}

Result<Dataset> load_mnist(const std::filesystem::path& dir) {
  const bool has_train = find_idx(dir, "train-images-idx3-ubyte").has_value();
  const bool has_test = find_idx(dir, "t10k-images-idx3-ubyte").has_value();
  if (!has_train && !has_test)
    return Error{ErrorCode::not_found, dir.string() +
                                           ": neither train-images-idx3-ubyte nor "
                                           "t10k-images-idx3-ubyte (or .gz) is there"};
  Result<Dataset> data = load_idx_pair(dir, has_train ? "train" : "t10k");
  if (!data) return data;
  data->name = "mnist:" + dir.string();
  if (!has_train || !has_test) {
    data->fixed_holdout_from = data->rows() * 4 / 5;  // of t10k: 8,000 train, 2,000 validate
    return data;
  }
  Result<Dataset> test = load_idx_pair(dir, "t10k");
  if (!test) return test;
  if (test->sample_shape != data->sample_shape)
    return Error{ErrorCode::bad_input, dir.string() + ": train and t10k images differ in size"};
  data->fixed_holdout_from = data->rows();
  data->features.insert(data->features.end(), test->features.begin(), test->features.end());
  data->labels.insert(data->labels.end(), test->labels.begin(), test->labels.end());
  return data;
}

std::string_view as_text(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Error unknown_data(const std::string& spec) {
  return {ErrorCode::bad_input, "data '" + spec + "' is not digits, mnist:DIR or csv:FILE"};
}

std::filesystem::path digits_place(const std::filesystem::path& file) {
  const char* given = std::getenv("GRADMINT_DIGITS");
  return given != nullptr && *given != '\0' ? std::filesystem::path(given) : file;
}

Result<Dataset> load_digits(const std::filesystem::path& file) {
  Result<Bytes> bytes = read_data_file(file);
  if (!bytes) {
    Error error = bytes.error();
    if (error.code == ErrorCode::not_found)
      error.message += "; run scripts/fetch_digits, or set GRADMINT_DIGITS to digits.csv.gz";
    return error;
  }
  return parse_digits(as_text(*bytes), file.string());
}

}  // namespace

Result<Bytes> read_data_file(const std::filesystem::path& file, std::uint64_t cap_bytes) {
  Result<Bytes> bytes = read_file(file, cap_bytes);
  if (!bytes) return bytes;
  if (bytes->size() >= 2 && (*bytes)[0] == 0x1F && (*bytes)[1] == 0x8B)
    return gunzip(*bytes, file, cap_bytes);
  if (file.extension() == ".gz")
    return Error{ErrorCode::corrupt, file.string() + ": named .gz, but not a gzip file"};
  return bytes;
}

Result<Dataset> load_dataset(const std::string& spec, const CsvOptions& csv,
                             const std::filesystem::path& digits_file) {
  if (spec == "digits" || (spec.starts_with("mnist:") && spec.size() > 6)) {
    Result<Dataset> images =
        spec == "digits" ? load_digits(digits_place(digits_file)) : load_mnist(spec.substr(6));
    if (!images) return images;
    if (Status same = check_images(*images, csv.contract); !same) return same.error();
    return images;
  }
  if (spec.starts_with("csv:") && spec.size() > 4) {
    Result<Bytes> bytes = read_data_file(spec.substr(4));
    if (!bytes) return bytes.error();
    return parse_csv(as_text(*bytes), spec.substr(4), csv);
  }
  return unknown_data(spec);
}

Status find_data(const std::string& spec, const std::filesystem::path& digits_file) {
  std::filesystem::path place;
  if (spec == "digits") {
    place = digits_place(digits_file);
  } else if (spec.size() > 6 && spec.starts_with("mnist:")) {
    place = spec.substr(6);
  } else if (spec.size() > 4 && spec.starts_with("csv:")) {
    place = spec.substr(4);
  } else {
    return unknown_data(spec);
  }
  std::error_code failed;
  if (std::filesystem::exists(place, failed)) return {};
  return Error{ErrorCode::not_found,
               place.string() + ": there is no such " +
                   (spec == "digits" ? "file; run scripts/fetch_digits, or set GRADMINT_DIGITS to "
                                       "digits.csv.gz"
                                     : "file or directory")};
}

std::filesystem::path default_digits_file() {
  constexpr const char* kPlace = "data/digits.csv.gz";
  std::error_code failed;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  std::filesystem::path folder = program.parent_path();  // build/release/bin
  for (int level = 0; level < 2 && !failed; ++level) {
    folder = folder.parent_path();
    if (std::filesystem::exists(folder / kPlace, failed)) return folder / kPlace;
  }
  return std::filesystem::path("build") / kPlace;
}

}  // namespace gradmint
