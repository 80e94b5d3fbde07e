// The one way in which this project turns a JSON value into text (tests/tidy/check_json.py).
// nlohmann's dump() throws where a string is no UTF-8, and hands on characters that a terminal
// obeys; this does neither. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "kernels/base/printable.h"

namespace gradmint {

// On one line, or with an indent in columns. What is no UTF-8 becomes U+FFFD.
template <class Json>
std::string json_text(const Json& value, int indent = -1) {
  return printable_json(value.dump(indent, ' ', false, Json::error_handler_t::replace));
}

}  // namespace gradmint
