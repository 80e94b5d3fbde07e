// What a federation's data mean: the columns of a table by name and order, the label and its
// classes, and the one scaler for all sites; or the shape, range and classes of images. It stands
// in the genesis, so that every site and every use of the model scales alike. Its text is
// canonical: compact JSON with sorted keys, numbers as the shortest decimals that read back as the
// same fp32. Pure; const access is thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

inline constexpr std::size_t kMaxContractBytes = 2ULL << 20;  // with the genesis in one message
inline constexpr std::size_t kMaxContractColumns = 32'768;
inline constexpr std::size_t kMaxContractClasses = 1000;
inline constexpr std::size_t kMaxContractNameBytes = 256;

// (x - mean) / scale in fp32, two operations that IEEE 754 rounds alike everywhere.
struct Scaler {
  float mean = 0;
  float scale = 1;  // above 0
  float apply(float value) const { return (value - mean) / scale; }
  float undo(float value) const { return value * scale + mean; }
  bool operator==(const Scaler&) const = default;
};

// Where a model's file keeps its contract, and which built-in model it is of, in its metadata.
inline constexpr const char* kContractMetadataKey = "gradmint.contract";
inline constexpr const char* kModelMetadataKey = "gradmint.model";
inline constexpr const char* kProgramMetadataKey = "gradmint.model_hash";  // of a TorchScript file

enum class ColumnType : std::uint8_t { number, integer };  // integer: the sample has whole numbers
std::string column_type_name(ColumnType type);

struct ContractColumn {
  std::string name;
  ColumnType type = ColumnType::number;
  Scaler scaler;
  bool operator==(const ContractColumn&) const = default;
};

enum class DataKind : std::uint8_t { table, image };

// Where the scaler of a table comes from: the operator's sample, so that the contract has it; or
// from sums over all sites before the first round (ledger/scaler.h), so that until then the
// contract has none and every scaler in it is neutral.
enum class ScalerFrom : std::uint8_t { sample, sites };
inline constexpr std::size_t kMaxSummedColumns = 4096;  // a site's sums go into one transaction

struct DataContract {
  DataKind kind = DataKind::table;
  std::string task = "classification";  // or "regression", for tables
  std::vector<std::string> classes;     // classification: the index is the label

  // table
  std::vector<ContractColumn> columns;  // in the order of a sample's features
  std::string label;                    // the column that is predicted
  Scaler target;                        // regression: of the label
  ScalerFrom scaler_from = ScalerFrom::sample;

  // image
  std::vector<std::uint64_t> shape;  // {channels, height, width}
  float low = 0, high = 1;           // every pixel lies between

  bool operator==(const DataContract&) const = default;

  // One line that says what no contract may be, or an empty string.
  std::string fault() const;
  std::string encode() const;
  // Accepts exactly the texts encode() gives: encode(decode(x)) == x.
  static Result<DataContract> decode(std::string_view text);
  // What a person wrote: any JSON of these members, numbers in any form that fp32 has.
  static Result<DataContract> parse(std::string_view text);
};

// The same contract with its scaler still to come from the sites.
DataContract without_scaler(DataContract contract);
// Of how many columns a site states its sums: the target's last. 0 where the contract has its
// scaler.
std::size_t summed_columns(const DataContract& contract);

// Regression: the root mean square error in the target's own unit, of a mean squared error that was
// measured on scaled targets. Nothing for classes, nor before there is a scaler.
std::optional<double> own_unit_error(const DataContract& contract, double loss);

// "age, bmi, … (14)", for people. A name with a comma or a quote stands as in a CSV file.
std::string name_list(const std::vector<std::string>& names, std::size_t shown = 8);
std::vector<std::string> column_names(const DataContract& contract);

// "table: age, bmi -> state (dead, ill)": for a person, on one line.
std::string describe(const DataContract& contract);

}  // namespace gradmint
