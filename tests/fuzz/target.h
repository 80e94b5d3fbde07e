// What is fuzzed: one target for each decoder of bytes that another party wrote. A target either
// returns or the process ends (a GRADMINT_CHECK, a sanitizer, a signal): there is nothing in
// between.
//
// With clang's libFuzzer (preset asan-ubsan) the program `fuzz` runs one of them, named by
// GRADMINT_FUZZ_TARGET, under its guidance; in every build fuzz_corpus_test and fuzz_stateful_test
// give all of them the committed corpus, the seeds and mutations of these.
#pragma once

#include <string_view>
#include <vector>

#include "ledger/bytes.h"

namespace gradmint::fuzz {

struct Target {
  std::string_view name;
  void (*run)(ByteView input);
  std::vector<Bytes> (*seeds)();  // well-formed inputs to start from
  bool stateful = false;          // sockets and threads of this process: slow, never twice the same
};

Target message_target();      // the wire's header frame
Target record_target();       // every record that is signed, hashed or stored
Target transaction_target();  // statements and receipts, and their text and JSON for people
Target genesis_target();      // a whole genesis: whether a chain may start from it
Target tensors_target();      // safetensors, layouts, JSON
Target encoding_target();     // encoded updates
Target settings_target();     // a coordinator's TOML
Target rule_target();         // a reward rule's source and manifest, compiled and run
Target csv_target();
Target idx_target();       // MNIST's images and labels
Target words_target();     // addresses, invitations, endpoints, amounts, encodings, aggregators
Target keystore_target();  // the JSON around a sealed key
Target bundle_target();    // a ledger as a file, audited
Target reader_target();    // answers of a child that read a stranger's store
// Stateful.
Target handshake_target();  // connections to the server's sockets, byte by byte
Target session_target();    // a whole coordinator and what members and strangers say to it

const std::vector<Target>& decoder_targets();
const std::vector<Target>& stateful_targets();

// The input as text.
inline std::string_view text_of(ByteView input) {
  return {reinterpret_cast<const char*>(input.data()), input.size()};
}
inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// The input in two parts: the first byte says how many 256ths of the rest are the first one.
struct Halves {
  ByteView first, second;
};
inline Halves halves_of(ByteView input) {
  if (input.empty()) return {};
  const ByteView rest = input.subspan(1);
  const std::size_t cut = rest.size() * input[0] / 255;
  return {rest.first(cut), rest.subspan(cut)};
}
Bytes joined(ByteView first, ByteView second);  // what halves_of splits into nearly these

}  // namespace gradmint::fuzz
