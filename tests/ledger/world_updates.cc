// The workers' updates of the test world: payloads, encodings, commitments and openings.
#include "kernels/check_encoded.h"
#include "kernels/encode.h"
#include "kernels/scan.h"
#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "tests/ledger/world.h"

namespace gradmint::test {

std::vector<float> World::payload_of(int worker) const {
  if (const auto own = own_payloads.find(worker); own != own_payloads.end()) return own->second;
  const auto number = static_cast<int>(round().round);
  std::vector<float> values(genesis.task.size.values());
  for (std::size_t k = 0; k < values.size(); ++k) {
    const int noise = (static_cast<int>(k) * 7 + worker * 3 + number * 5) % 11 - 5;
    values[k] = 0.125F * static_cast<float>(k % 3 + 1) + static_cast<float>(noise) / 64.0F;
  }
  return values;
}

EncodingSpec World::encoding_of(int worker) const {
  const auto own = own_encodings.find(worker);
  return own != own_encodings.end() ? own->second : options_.encoding;
}

Bytes World::encoded_of(int worker) const {
  if (const auto own = own_bytes.find(worker); own != own_bytes.end()) return own->second;
  const auto encoding = kernel_encoding(encoding_of(worker));
  const std::vector<float> values = payload_of(worker);
  const auto plain = [](std::span<const float> floats) {  // not finite ones too
    const auto* first = reinterpret_cast<const std::uint8_t*>(floats.data());
    return Bytes(first, first + floats.size_bytes());
  };
  const ModelSize& size = genesis.task.size;
  const auto parameters = std::span(values).first(values.size() - size.buffers);
  Bytes payload = plain(parameters);
  if (encoding.kind != kernels::EncodingKind::fp32) {
    const auto encoded = kernels::encode(encoding, parameters).value();
    payload.assign(encoded.bytes.begin(), encoded.bytes.end());
  }
  if (size.buffers == 0) return payload;
  while (payload.size() % sizeof(float) != 0) payload.push_back(0);
  const Bytes buffers = plain(std::span(values).last(size.buffers));
  payload.insert(payload.end(), buffers.begin(), buffers.end());
  return payload;
}

// Of what the payload decodes to, or of the values before where that is malformed.
int World::exponent_of(int worker) const {
  const std::vector<float> values = payload_of(worker);
  const auto encoding = kernel_encoding(encoding_of(worker));
  const std::size_t count = values.size() - genesis.task.size.buffers;
  const Bytes bytes = encoded_of(worker);
  // Payloads of tests may be shorter than they should be.
  const std::size_t encoded =
      std::min<std::size_t>(bytes.size() - genesis.task.size.buffers * sizeof(float),
                            kernels::encoded_bytes(encoding, count));
  const auto check = kernels::check_encoded(ByteView(bytes).first(encoded), encoding, count);
  return check.ok() ? check.exponent
                    : kernels::scan_values(std::span(values).first(count)).exponent;
}

Opening World::opening_of(int worker) const {
  const Bytes bytes = encoded_of(worker);
  Opening opening;
  opening.root = blob_root(bytes);
  opening.size_bytes = bytes.size();
  opening.encoding = encoding_of(worker).kind;
  opening.salt = hash_of("salt " + std::to_string(worker) + "/" + std::to_string(round().round));
  return opening;
}

int World::worker_of(const AccountId& account) const {
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (workers[i].account() == account) return static_cast<int>(i);
  }
  return -1;
}

RoundRecord World::round() const { return current_round(chain.state()).value(); }

CommitUpdate World::commit_body(int worker) const {
  const RoundRecord current = round();
  const AccountId account = workers[static_cast<std::size_t>(worker)].account();
  CommitUpdate body;
  body.round = current.round;
  body.attempt = current.attempt;
  body.commitment =
      update_commitment(chain.history()[current.open_height], account, opening_of(worker));
  const auto own = own_exponents.find(worker);
  const int exponent = own != own_exponents.end() ? own->second : exponent_of(worker);
  body.exponent = static_cast<std::int16_t>(std::min<int>(exponent, kMaxExponent));
  const auto examples = own_examples.find(worker);
  body.examples = examples != own_examples.end() ? examples->second
                                                 : static_cast<std::uint64_t>(10 * (worker + 1));
  body.steps = 5;
  body.metrics = {{"loss", 1'000'000 * (worker + 1)}};
  body.dataset = dataset_id(account, dataset(worker));
  return body;
}

}  // namespace gradmint::test
