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

// 0.1 and not 0.10000000149011612: the decimal that a person wrote for this float.
inline double as_written(float value) {
  const std::string text = shortest_text(value);
  double decimal = 0;
  std::from_chars(text.data(), text.data() + text.size(), decimal);
  return decimal;
}

}  // namespace gradmint
