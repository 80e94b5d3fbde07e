#include "worker/data/csv_reader.h"

#include <charconv>

#include "kernels/base/text.h"
#include "worker/data/parse.h"

namespace gradmint {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<float> csv_number(std::string_view field) {
  field = trim(field);
  if (!field.empty() && field.front() == '+') field.remove_prefix(1);
  float value = 0;
  const auto [end, ec] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (ec == std::errc::result_out_of_range && end == field.data() + field.size()) {
    double wide = 1;  // what is too small for fp32 is 0 there
    std::from_chars(field.data(), field.data() + field.size(), wide);
    if (wide > -1 && wide < 1) return 0.0F;
  }
  if (ec != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return value;
}

std::string csv_quoted(std::string_view field) {
  return "'" + clean_text(field, 40) + (field.size() > 40 ? "…'" : "'");
}

CsvReader::CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {
  if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
}

bool CsvReader::next(CsvRow& row) {
  while (!text_.empty()) {
    const std::size_t end = text_.find('\n');
    const std::string_view line = trim(text_.substr(0, end));
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    row.line = ++line_;
    if (line.empty()) continue;
    return split(line, row);
  }
  return false;
}

Error CsvReader::fail(std::uint64_t line, const std::string& what) const {
  return {ErrorCode::bad_input, name_ + ": row " + std::to_string(line) + ": " + what};
}

std::optional<std::string_view> CsvReader::quoted_field(std::string_view line, std::size_t& at) {
  const std::size_t begin = ++at;
  std::string* plain = nullptr;  // made when a quote inside is met
  std::size_t copied = begin;
  for (;;) {
    const std::size_t quote = line.find('"', at);
    if (quote == std::string_view::npos) return std::nullopt;
    at = quote + 1;
    const bool is_doubled = at < line.size() && line[at] == '"';
    if (!is_doubled && plain == nullptr) return line.substr(begin, quote - begin);
    if (plain == nullptr) plain = &unescaped_.emplace_back();
    plain->append(line.substr(copied, quote - copied));
    if (!is_doubled) return *plain;
    copied = at++;  // the second of the two
  }
}

bool CsvReader::split(std::string_view line, CsvRow& row) {
  row.fields.clear();
  std::size_t at = 0;
  for (;;) {
    std::optional<std::string_view> field;
    if (at < line.size() && line[at] == '"') {
      field = quoted_field(line, at);
      if (!field) {
        failure_ = fail(row.line, "a quoted field has no closing quote on its line");
        return false;
      }
    }
    const std::size_t comma = line.find(',', at);
    const std::size_t end = comma == std::string_view::npos ? line.size() : comma;
    const std::string_view rest = trim(line.substr(at, end - at));
    if (field && !rest.empty()) {
      failure_ = fail(row.line, "text behind the closing quote of a field: " + csv_quoted(rest));
      return false;
    }
    row.fields.push_back(field ? *field : rest);
    if (row.fields.size() > kMaxColumns) {
      failure_ = fail(row.line, "more than " + std::to_string(kMaxColumns) + " columns");
      return false;
    }
    if (comma == std::string_view::npos) return true;
    at = comma + 1;
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
  }
}

}  // namespace gradmint
