// How a record goes to bytes and back. A record type T has `void write(Writer&) const` and
// `void read(Reader&)`; read calls Reader::fail() for anything that is not in canonical form, so
// that for every accepted input encode_record(decode_record(x)) == x.
#pragma once

#include <optional>

#include "ledger/codec.h"

namespace gradmint {

template <class T>
Bytes encode_record(const T& record) {
  Writer writer;
  record.write(writer);
  return writer.take();
}

template <class T>
std::optional<T> decode_record(ByteView bytes) {
  Reader reader(bytes);
  T record;
  record.read(reader);
  if (!reader.finished()) return std::nullopt;
  return record;
}

// A list with its length first.
template <class T>
void write_list(Writer& writer, const std::vector<T>& list) {
  writer.u32(static_cast<std::uint32_t>(list.size()));
  for (const T& item : list) item.write(writer);
}

template <class T>
std::vector<T> read_list(Reader& reader, std::uint32_t cap, std::size_t element_bytes) {
  std::vector<T> list(reader.count(cap, element_bytes));
  for (T& item : list) item.read(reader);
  return list;
}

void write_accounts(Writer& writer, const std::vector<Hash>& accounts);
// Strictly ascending, or the read fails.
std::vector<Hash> read_sorted_accounts(Reader& reader, std::uint32_t cap);

}  // namespace gradmint
