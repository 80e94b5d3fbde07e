// SHA-256 (FIPS 180-4): the compression of one block, and the hash of one byte followed by data,
// which is all that a Merkle tree of RFC 6962 asks for. One source for the host and the GPU; whole
// words, every index a constant, so that nothing leaves the registers.
//
// The coordinator and the audit hash with OpenSSL, which uses the CPU's own instructions
// (ledger/hash.h); on a CPU this rule is the reference for what the GPU does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/lanes.h"

namespace gradmint::kernels {

// The eight words of a hash value; its bytes are these, big-endian.
struct Digest {
  std::uint32_t words[8];
  bool operator==(const Digest&) const = default;
};

// FIPS 180-4, section 4.2.2.
inline constexpr std::uint32_t kSha256Round[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Section 5.3.3.
GRADMINT_RULE Digest sha256_start() {
  return {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
           0x5be0cd19}};
}

GRADMINT_RULE std::uint32_t rotate_right(std::uint32_t x, int n) { return x >> n | x << (32 - n); }

// Round T of section 6.2.2. The variables a to h do not move: their places turn by one a round.
template <int T>
GRADMINT_RULE void sha256_round(std::uint32_t (&place)[8], std::uint32_t (&w)[16]) {
  constexpr std::uint32_t constant = kSha256Round[T];
  constexpr int turn = 64 - T;
  if constexpr (T >= 16) {
    const std::uint32_t early = w[(T + 1) & 15];
    const std::uint32_t late = w[(T + 14) & 15];
    w[T & 15] += (rotate_right(early, 7) ^ rotate_right(early, 18) ^ early >> 3) + w[(T + 9) & 15] +
                 (rotate_right(late, 17) ^ rotate_right(late, 19) ^ late >> 10);
  }
  const std::uint32_t a = place[turn & 7];
  const std::uint32_t b = place[(turn + 1) & 7];
  const std::uint32_t c = place[(turn + 2) & 7];
  const std::uint32_t e = place[(turn + 4) & 7];
  const std::uint32_t f = place[(turn + 5) & 7];
  const std::uint32_t g = place[(turn + 6) & 7];
  const std::uint32_t first = place[(turn + 7) & 7] +
                              (rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25)) +
                              ((e & f) ^ (~e & g)) + constant + w[T & 15];
  const std::uint32_t second = (rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22)) +
                               ((a & b) ^ (a & c) ^ (b & c));
  place[(turn + 3) & 7] += first;
  place[(turn + 7) & 7] = first + second;
}

template <int... T>
GRADMINT_RULE void sha256_rounds(std::uint32_t (&place)[8], std::uint32_t (&w)[16],
                                 std::integer_sequence<int, T...>) {
  (sha256_round<T>(place, w), ...);
}

// Takes one block of 16 big-endian words into the state. The block's words are used up.
GRADMINT_RULE void sha256_compress(Digest& state, std::uint32_t (&block)[16]) {
  std::uint32_t place[8];
  for (int i = 0; i < 8; ++i) place[i] = state.words[i];
  sha256_rounds(place, block, std::make_integer_sequence<int, 64>());
  for (int i = 0; i < 8; ++i) state.words[i] += place[i];
}

// A word as it lies in memory (little-endian machines) to the big-endian word it is in a message.
GRADMINT_RULE std::uint32_t swap_bytes(std::uint32_t x) {
  return x << 24 | (x & 0xff00u) << 8 | (x >> 8 & 0xff00u) | x >> 24;
}

// SHA-256 of a prefix byte followed by data: blocks of 64 bytes, then up to 63 more.
class PrefixedSha256 {
 public:
  GRADMINT_RULE explicit PrefixedSha256(std::uint8_t prefix)
      : state_(sha256_start()), held_(prefix) {}

  // Sixteen big-endian words of data. The prefix moves everything by one byte, so the last byte
  // waits for the next block.
  GRADMINT_RULE void absorb(const std::uint32_t (&data)[16]) {
    std::uint32_t block[16];
    for (int i = 0; i < 16; ++i) {
      block[i] = held_ << 24 | data[i] >> 8;
      held_ = data[i];
    }
    sha256_compress(state_, block);
  }

  // The last `rest` < 64 bytes; `length` bytes of data were given in all.
  GRADMINT_RULE Digest finish(const std::uint8_t* tail, int rest, std::uint64_t length) {
    const std::uint64_t bits = (length + 1) * 8;
    const bool one_block = rest + 2 + 8 <= 64;
    for (int first = 0; first <= (one_block ? 0 : 64); first += 64) {
      std::uint32_t block[16];
      for (int i = 0; i < 16; ++i) {
        std::uint32_t word = 0;
        for (int k = 0; k < 4; ++k) word = word << 8 | byte_at(first + 4 * i + k, tail, rest);
        block[i] = word;
      }
      if (one_block || first == 64) {
        block[14] = static_cast<std::uint32_t>(bits >> 32);
        block[15] = static_cast<std::uint32_t>(bits);
      }
      sha256_compress(state_, block);
    }
    return state_;
  }

 private:
  // A byte of the last blocks: the one held back, the tail, the mark, zeros.
  GRADMINT_RULE std::uint32_t byte_at(int position, const std::uint8_t* tail, int rest) const {
    if (position == 0) return held_ & 0xffu;
    if (position <= rest) return tail[position - 1];
    return position == rest + 1 ? 0x80u : 0u;
  }

  Digest state_;
  std::uint32_t held_;  // its lowest byte goes before the next
};

}  // namespace gradmint::kernels
