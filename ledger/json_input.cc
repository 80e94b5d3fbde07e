#include "ledger/json_input.h"

#include <utility>

#include "ledger/json_text.h"

namespace gradmint {
namespace {

using Json = nlohmann::json;

// Takes what the parser meets, part by part; false ends the parse. (nlohmann's own callbacks look
// through all of an object's earlier members whenever one of them ends.)
class Builder {
 public:
  explicit Builder(std::string_view text) : text_(text) {}
  bool null() { return put(nullptr) != nullptr; }
  bool boolean(bool value) { return put(value) != nullptr; }
  bool number_integer(Json::number_integer_t value) { return put(value) != nullptr; }
  bool number_unsigned(Json::number_unsigned_t value) { return put(value) != nullptr; }
  bool number_float(Json::number_float_t value, const std::string& /*text*/) {
    return put(value) != nullptr;
  }
  bool string(std::string& value) { return put(std::move(value)) != nullptr; }
  bool binary(Json::binary_t& /*value*/) { return false; }  // not in text
  bool start_object(std::size_t /*count*/) { return open(Json::value_t::object); }
  bool start_array(std::size_t /*count*/) { return open(Json::value_t::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& name) {
    auto& members = open_.back()->get_ref<Json::object_t&>();
    const auto [at, is_new] = members.try_emplace(std::move(name));
    if (!is_new) {
      // No more of it than a line holds.
      const std::string shown = json_text(Json(at->first.substr(0, 80)));
      return refuse("JSON that has " + shown + " twice in one object");
    }
    member_ = &at->second;
    return true;
  }

  bool parse_error(std::size_t byte, const std::string& token, const Json::exception& fault) {
    const std::string at = " (at byte " + std::to_string(byte) + ")";
    constexpr int kNumberTooLarge = 406;  // nlohmann's out_of_range
    if (fault.id == kNumberTooLarge)
      return refuse("the number " + token.substr(0, 40) + at + " is too large");
    // Python's json writes them, and takes them.
    const std::string_view rest = text_.substr(byte == 0 ? 0 : byte - 1);
    for (const std::string_view word : {"NaN", "Infinity"}) {
      if (rest.starts_with(word)) {
        return refuse("not JSON: " + std::string(word) + at +
                      " is no number there; null is for what was not measured");
      }
    }
    return refuse("not JSON" + at);
  }

  Json& parsed() { return root_; }
  const std::string& fault() const { return fault_; }

 private:
  bool refuse(std::string fault) {
    fault_ = std::move(fault);
    return false;
  }

  // Where it now stands, or nullptr where there are too many.
  template <class Value>
  Json* put(Value&& value) {
    if (++values_ > kMaxJsonValues) {
      refuse("JSON of more than " + std::to_string(kMaxJsonValues) + " values");
      return nullptr;
    }
    Json* to = &root_;
    if (member_ != nullptr) {
      to = std::exchange(member_, nullptr);
    } else if (!open_.empty()) {
      to = &open_.back()->get_ref<Json::array_t&>().emplace_back();
    }
    *to = std::forward<Value>(value);
    return to;
  }

  bool open(Json::value_t kind) {
    if (open_.size() == kMaxJsonDepth) {
      return refuse("JSON nested more than " + std::to_string(kMaxJsonDepth) + " deep");
    }
    Json* const opened = put(kind);
    if (opened == nullptr) return false;
    open_.push_back(opened);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  Json root_;
  std::vector<Json*> open_;  // the objects and arrays around what comes next, outermost first
  Json* member_ = nullptr;   // of the innermost object, once its key was read
  std::uint64_t values_ = 0;
  std::string fault_;
};

}  // namespace

Result<Json> parse_untrusted_json(std::string_view text) {
  Builder builder(text);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return Error{ErrorCode::bad_input, builder.fault()};
  }
  return std::move(builder.parsed());
}

std::optional<std::vector<std::uint64_t>> unsigned_list(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::uint64_t> list;
  for (const Json& item : value) {
    if (!item.is_number_unsigned()) return std::nullopt;
    list.push_back(item.get<std::uint64_t>());
  }
  return list;
}

std::optional<std::string> text_member(const Json& object, const char* key) {
  const auto member = object.find(key);
  if (member == object.end() || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

}  // namespace gradmint
