#include "ledger/record.h"

namespace gradmint {

void write_accounts(Writer& writer, const std::vector<Hash>& accounts) {
  writer.u32(static_cast<std::uint32_t>(accounts.size()));
  for (const Hash& account : accounts) writer.hash(account);
}

std::vector<Hash> read_sorted_accounts(Reader& reader, std::uint32_t cap) {
  std::vector<Hash> accounts(reader.count(cap, sizeof(Hash)));
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    accounts[i] = reader.hash();
    if (i > 0 && !(accounts[i - 1] < accounts[i])) reader.fail();
  }
  return accounts;
}

}  // namespace gradmint
