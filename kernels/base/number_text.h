// Numbers as text that people read and programs read back, independent of the locale.
#pragma once

#include <charconv>
#include <string>

namespace gradmint {

// The shortest decimal that reads back as the same float or double: 1e-06 is not 0.000001, nor
// -1e-09 a zero.
template <class Float>
std::string shortest_text(Float value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace gradmint
