#include "ledger/model/data_contract.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "kernels/base/number_text.h"
#include "kernels/base/text.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"

namespace gradmint {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "gradmint/data-contract/v1";
constexpr const char* kFromSites = "sites";
constexpr std::uint64_t kMaxImageValues = 1ULL << 28;

Error bad_contract(const std::string& what) {
  return {ErrorCode::bad_input, "data contract: " + what};
}

std::string name_fault(const std::string& what, const std::string& name) {
  if (name.empty()) return what + " is empty: name it in the file, or leave it out";
  if (name.size() > kMaxContractNameBytes)
    return what + " must have 1 to " + std::to_string(kMaxContractNameBytes) + " bytes";
  if (!is_clean_text(name))
    return what + " must be one line of UTF-8 text without control characters";
  return {};
}

std::string names_fault(const std::string& what, const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    if (std::string fault = name_fault(what, name); !fault.empty()) return fault;
    if (!seen.insert(name).second) return what + " '" + name + "' is there twice";
  }
  return {};
}

std::string scaler_fault(const std::string& of, const Scaler& scaler) {
  if (std::isfinite(scaler.mean) && std::isnormal(scaler.scale) && scaler.scale > 0) return {};
  return "the scaler of " + of + " needs a finite mean and a finite scale above 0";
}

std::string sites_fault(const DataContract& contract) {
  if (contract.columns.size() > kMaxSummedColumns)
    return "its scaler can come from the sites for " + std::to_string(kMaxSummedColumns) +
           " columns at most, it has " + std::to_string(contract.columns.size()) +
           ": take the scaler from a sample";
  if (contract != without_scaler(contract))
    return "its scaler comes from the sites, so it has no means and scales of its own";
  return {};
}

std::string table_fault(const DataContract& contract) {
  if (contract.columns.empty() || contract.columns.size() > kMaxContractColumns)
    return "a table has 1 to " + std::to_string(kMaxContractColumns) + " columns beside its label";
  if (!contract.shape.empty()) return "a table has no shape";
  std::vector<std::string> names{contract.label};
  for (const ContractColumn& column : contract.columns) names.push_back(column.name);
  if (std::string fault = names_fault("a column's name", names); !fault.empty()) return fault;
  for (const ContractColumn& column : contract.columns) {
    if (std::string fault = scaler_fault("column '" + column.name + "'", column.scaler);
        !fault.empty())
      return fault;
  }
  if (contract.task == "classification" && contract.target != Scaler{})
    return "classes are not scaled";
  if (contract.scaler_from == ScalerFrom::sites) return sites_fault(contract);
  return scaler_fault("the target", contract.target);
}

std::string image_fault(const DataContract& contract) {
  if (contract.task != "classification") return "images are classified, no task else is there";
  if (!contract.columns.empty() || !contract.label.empty() || contract.target != Scaler{} ||
      contract.scaler_from != ScalerFrom::sample)
    return "images have no columns";
  if (contract.shape.size() != 3) return "an image's shape is channels, height and width";
  std::uint64_t values = 1;
  for (const std::uint64_t extent : contract.shape) {
    if (extent == 0 || extent > kMaxImageValues / values) return "an image's shape is too large";
    values *= extent;
  }
  if (!std::isfinite(contract.low) || !std::isfinite(contract.high) ||
      contract.low >= contract.high)
    return "an image's range needs two finite numbers, the smaller one first";
  return {};
}

Json scaler_json(const Scaler& scaler) {
  return {{"mean", shortest_text(scaler.mean)}, {"scale", shortest_text(scaler.scale)}};
}

// Any form of a number is read; that it is the shortest is seen when the whole is written again.
std::optional<float> number_in(const Json& object, const char* key) {
  const auto text = text_member(object, key);
  if (!text) return std::nullopt;
  float value = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (ec != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

std::optional<Scaler> scaler_in(const Json& object) {
  const auto mean = number_in(object, "mean"), scale = number_in(object, "scale");
  if (!mean || !scale) return std::nullopt;
  return Scaler{*mean, *scale};
}

std::optional<std::vector<std::string>> texts_in(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const Json& each : *found) {
    if (!each.is_string()) return std::nullopt;
    texts.push_back(each.get<std::string>());
  }
  return texts;
}

Status read_columns(const Json& parsed, DataContract& contract) {
  const auto listed = parsed.find("columns");
  if (listed == parsed.end() || !listed->is_array()) return bad_contract("it lists no columns");
  for (const Json& entry : *listed) {
    if (!entry.is_object()) return bad_contract("a column needs name, type, mean and scale");
    const auto name = text_member(entry, "name"), type = text_member(entry, "type");
    const bool from_sites = contract.scaler_from == ScalerFrom::sites;
    if (from_sites && (entry.contains("mean") || entry.contains("scale")))
      return bad_contract("its scaler comes from the sites: leave mean and scale out");
    const auto scaler = from_sites ? Scaler{} : scaler_in(entry);
    if (!name || !type || !scaler || (*type != "number" && *type != "integer"))
      return bad_contract("a column needs name, type (number or integer), mean and scale");
    contract.columns.push_back(
        {*name, *type == "integer" ? ColumnType::integer : ColumnType::number, *scaler});
  }
  return {};
}

Status read_table(const Json& parsed, DataContract& contract) {
  if (parsed.contains("scaler")) {
    if (text_member(parsed, "scaler") != kFromSites)
      return bad_contract(
          "its scaler is \"sites\", or left out where each column has mean and scale");
    contract.scaler_from = ScalerFrom::sites;
  }
  if (Status columns = read_columns(parsed, contract); !columns) return columns;
  contract.label = text_member(parsed, "label").value_or("");
  if (contract.task != "regression" || contract.scaler_from == ScalerFrom::sites) return {};
  const auto target = parsed.find("target");
  if (target == parsed.end() || !target->is_object() || !scaler_in(*target))
    return bad_contract("regression needs the target's mean and scale");
  contract.target = *scaler_in(*target);
  return {};
}

Status read_image(const Json& parsed, DataContract& contract) {
  const auto shape = parsed.find("shape");
  const auto extents = shape == parsed.end() ? std::nullopt : unsigned_list(*shape);
  const auto low = number_in(parsed, "low"), high = number_in(parsed, "high");
  if (!extents || !low || !high) return bad_contract("images need shape, low and high");
  contract.shape = *extents;
  contract.low = *low;
  contract.high = *high;
  return {};
}

}  // namespace

std::string column_type_name(ColumnType type) {
  return type == ColumnType::integer ? "integer" : "number";
}

std::string DataContract::fault() const {
  if (task != "classification" && task != "regression")
    return "its task is classification or regression";
  if (task == "classification") {
    if (classes.size() < 2 || classes.size() > kMaxContractClasses)
      return "classification needs 2 to " + std::to_string(kMaxContractClasses) + " classes";
    if (std::string fault = names_fault("a class", classes); !fault.empty()) return fault;
  } else if (!classes.empty()) {
    return "regression has no classes";
  }
  return kind == DataKind::table ? table_fault(*this) : image_fault(*this);
}

std::string DataContract::encode() const {
  Json out = {{"format", kFormat}, {"task", task}};
  if (task == "classification") out["classes"] = classes;
  if (kind == DataKind::image) {
    out["kind"] = "image";
    out["shape"] = shape;
    out["low"] = shortest_text(low);
    out["high"] = shortest_text(high);
    return json_text(out);
  }
  out["kind"] = "table";
  out["label"] = label;
  out["columns"] = Json::array();
  for (const ContractColumn& column : columns) {
    Json entry = scaler_from == ScalerFrom::sites ? Json::object() : scaler_json(column.scaler);
    entry["name"] = column.name;
    entry["type"] = column_type_name(column.type);
    out["columns"].push_back(std::move(entry));
  }
  if (scaler_from == ScalerFrom::sites) {
    out["scaler"] = kFromSites;
  } else if (task == "regression") {
    out["target"] = scaler_json(target);
  }
  return json_text(out);
}

Result<DataContract> DataContract::decode(std::string_view text) {
  Result<DataContract> contract = parse(text);
  if (contract && contract->encode() != text) return bad_contract("the text is not canonical");
  return contract;
}

Result<DataContract> DataContract::parse(std::string_view text) {
  if (text.size() > kMaxContractBytes)
    return bad_contract("the text is larger than " + std::to_string(kMaxContractBytes >> 20) +
                        " MiB");
  const Result<Json> parsed = parse_untrusted_json(text);
  if (!parsed) return bad_contract("the text is " + parsed.error().message);
  if (!parsed->is_object()) return bad_contract("the text is not a JSON object");
  if (text_member(*parsed, "format") != kFormat)
    return bad_contract(std::string("its format is not ") + kFormat);
  DataContract contract;
  contract.task = text_member(*parsed, "task").value_or("");
  if (parsed->contains("classes")) {
    auto classes = texts_in(*parsed, "classes");
    if (!classes) return bad_contract("its classes are a list of names");
    contract.classes = *std::move(classes);
  }
  const std::string kind = text_member(*parsed, "kind").value_or("");
  if (kind != "table" && kind != "image") return bad_contract("its kind is table or image");
  contract.kind = kind == "table" ? DataKind::table : DataKind::image;
  const Status read = contract.kind == DataKind::table ? read_table(*parsed, contract)
                                                       : read_image(*parsed, contract);
  if (!read) return read.error();
  if (const std::string fault = contract.fault(); !fault.empty()) return bad_contract(fault);
  const Json known = *parse_untrusted_json(contract.encode());
  for (const auto& [key, value] : parsed->items()) {
    if (!known.contains(key))
      return bad_contract("'" + clean_text(key, 80) + "' is none of its members for this task");
  }
  return contract;
}

DataContract without_scaler(DataContract contract) {
  for (ContractColumn& column : contract.columns) column.scaler = Scaler{};
  contract.target = Scaler{};
  contract.scaler_from = ScalerFrom::sites;
  return contract;
}

std::size_t summed_columns(const DataContract& contract) {
  if (contract.scaler_from == ScalerFrom::sample) return 0;
  return contract.columns.size() + (contract.task == "regression" ? 1 : 0);
}

std::optional<double> own_unit_error(const DataContract& contract, double loss) {
  if (contract.task != "regression" || contract.scaler_from == ScalerFrom::sites)
    return std::nullopt;
  return std::sqrt(loss) * double{contract.target.scale};
}

std::string name_list(const std::vector<std::string>& names, std::size_t shown) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < shown; ++i) {
    if (i > 0) text += ", ";
    if (names[i].find_first_of(",\"") == std::string::npos) {
      text += names[i];
      continue;
    }
    text += '"';
    for (const char c : names[i]) text += c == '"' ? std::string("\"\"") : std::string(1, c);
    text += '"';
  }
  if (names.size() > shown) text += ", … (" + std::to_string(names.size()) + ")";
  return text;
}

std::vector<std::string> column_names(const DataContract& contract) {
  std::vector<std::string> names;
  for (const ContractColumn& column : contract.columns) names.push_back(column.name);
  return names;
}

std::string describe(const DataContract& contract) {
  const std::string classes = name_list(contract.classes);
  if (contract.kind == DataKind::image) {
    std::string shape;
    for (const std::uint64_t extent : contract.shape)
      shape += (shape.empty() ? "" : "x") + std::to_string(extent);
    return "images of " + shape + ", " + shortest_text(contract.low) + " to " +
           shortest_text(contract.high) + "; classes " + classes;
  }
  return contract.task + " of " + contract.label + " by " + name_list(column_names(contract)) +
         (classes.empty() ? "" : "; classes " + classes) +
         (contract.scaler_from == ScalerFrom::sites ? "; scaler from the sites" : "");
}

}  // namespace gradmint
