#include "ledger/hash.h"

#include <openssl/evp.h>

#include "kernels/base/check.h"

namespace gradmint {

namespace {

struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<EVP_MD_CTX, ContextDeleter>;

// Fetched once and kept for the life of the process: fetching costs more than hashing 64 bytes.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  GRADMINT_CHECK(algorithm != nullptr);
  return algorithm;
}

ContextPointer new_context() {
  ContextPointer context(EVP_MD_CTX_new());
  GRADMINT_CHECK(context != nullptr);
  return context;
}

void begin(EVP_MD_CTX* context) {
  GRADMINT_CHECK(EVP_DigestInit_ex2(context, sha256_algorithm(), nullptr) == 1);
}

void add(EVP_MD_CTX* context, ByteView bytes) {
  GRADMINT_CHECK(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

Hash end(EVP_MD_CTX* context) {
  Hash hash;
  unsigned size = 0;
  GRADMINT_CHECK(EVP_DigestFinal_ex(context, hash.bytes.data(), &size) == 1);
  GRADMINT_CHECK(size == hash.bytes.size());
  return hash;
}

}  // namespace

struct Sha256::Context {
  ContextPointer evp = new_context();
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { begin(context_->evp.get()); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(ByteView bytes) {
  GRADMINT_CHECK(context_ != nullptr);
  add(context_->evp.get(), bytes);
  return *this;
}

Hash Sha256::finish() {
  GRADMINT_CHECK(context_ != nullptr);
  const Hash hash = end(context_->evp.get());
  context_.reset();
  return hash;
}

Hash sha256_concat(std::initializer_list<ByteView> parts) {
  // One context a thread: making one costs as much as hashing a few hundred bytes.
  thread_local const ContextPointer context = new_context();
  begin(context.get());
  for (const ByteView part : parts) add(context.get(), part);
  return end(context.get());
}

Hash sha256(ByteView bytes) { return sha256_concat({bytes}); }

Hash tagged_hash(std::string_view tag, ByteView bytes) {
  const Hash tag_hash = sha256(as_bytes(tag));
  return sha256_concat({tag_hash.view(), tag_hash.view(), bytes});
}

}  // namespace gradmint
