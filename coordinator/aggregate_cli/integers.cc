#include "coordinator/aggregate_cli/integers.h"

#include <algorithm>
#include <cstring>

#include "coordinator/aggregate_cli/agreement.h"
#include "kernels/base/check.h"

namespace gradmint {
namespace {

template <class Integer>
void take_larger(Bytes& into, ByteView from) {
  for (std::size_t at = 0; at < from.size(); at += sizeof(Integer)) {
    Integer here, there;
    std::memcpy(&here, into.data() + at, sizeof here);
    std::memcpy(&there, from.data() + at, sizeof there);
    if (there > here) std::memcpy(into.data() + at, &there, sizeof there);
  }
}

void take_larger(const std::string& dtype, Bytes& into, ByteView from) {
  GRADMINT_CHECK(into.size() == from.size());
  if (dtype == "I8") return take_larger<std::int8_t>(into, from);
  if (dtype == "I16") return take_larger<std::int16_t>(into, from);
  if (dtype == "I32") return take_larger<std::int32_t>(into, from);
  if (dtype == "I64") return take_larger<std::int64_t>(into, from);
  if (dtype == "U16") return take_larger<std::uint16_t>(into, from);
  if (dtype == "U32") return take_larger<std::uint32_t>(into, from);
  if (dtype == "U64") return take_larger<std::uint64_t>(into, from);
  GRADMINT_CHECK(dtype == "U8" || dtype == "BOOL");
  take_larger<std::uint8_t>(into, from);
}

}  // namespace

std::string integer_rule_name(IntegerRule rule) {
  return rule == IntegerRule::max ? "max" : rule == IntegerRule::first ? "first" : "drop";
}

Result<IntegerRule> parse_integer_rule(const std::string& name) {
  for (const IntegerRule rule : {IntegerRule::max, IntegerRule::first, IntegerRule::drop})
    if (integer_rule_name(rule) == name) return rule;
  return Error{ErrorCode::bad_input, "--integers '" + name + "' is not max, first or drop"};
}

MergedIntegers merge_integers(std::span<const TensorFile* const> files, IntegerRule rule) {
  MergedIntegers merged;
  if (rule == IntegerRule::drop) return merged;
  for (const SafetensorsTensor& tensor : integer_tensors(*files.front())) {
    OutputTensor out{tensor.name, tensor.dtype, tensor.shape, files.front()->bytes_of(tensor)};
    if (rule == IntegerRule::max) {
      Bytes largest(out.bytes.begin(), out.bytes.end());
      for (const TensorFile* file : files.subspan(1)) {
        const SafetensorsTensor* const other = file->find(tensor.name);
        GRADMINT_CHECK(other != nullptr && other->dtype == tensor.dtype);
        take_larger(tensor.dtype, largest, file->bytes_of(*other));
        release_pages(file->bytes_of(*other));
      }
      merged.held.push_back(std::move(largest));
      out.bytes = merged.held.back();  // a vector's buffer stays where it is when it is moved
    }
    merged.tensors.push_back(std::move(out));
  }
  return merged;
}

}  // namespace gradmint
