// A key on disk: JSON, scrypt (N=2^18, r=8, p=1), AES-256-GCM with the header as associated data.
// Files are created 0600 and never overwritten; one that others can read is refused.
#pragma once

#include <filesystem>
#include <string>

#include "kernels/base/result.h"
#include "ledger/disk.h"
#include "ledger/keys.h"
#include "ledger/keystore_cipher.h"

namespace gradmint {

// 2^log2_n is scrypt's cost. Federations on one machine made by `gradmint dev` use a lower one,
// recorded in the file like any other.
struct KeystoreCost {
  unsigned log2_n = 18;
};

// Fresh key from the operating system's generator.
Result<SecretKey> generate_key();

// For every file that holds a secret. refused: its owner is not the only one who can open it.
Status refuse_when_others_can_read(const std::filesystem::path& file, Disk& disk = posix_disk());

// The file's content, and back: everything but the derivation. `file` is named in errors.
std::string keystore_text(const SealedKey& sealed);
Result<SealedKey> parse_keystore(const std::filesystem::path& file, ByteView content);

Status write_keystore(const std::filesystem::path& file, const SecretKey& key,
                      const std::string& passphrase, KeystoreCost cost = {});
// refused: wrong passphrase; corrupt: not a keystore or damaged; also refuses files others can
// read.
Result<SecretKey> read_keystore(const std::filesystem::path& file, const std::string& passphrase);
// Replaces the file in one step, at the same cost.
Status change_passphrase(const std::filesystem::path& file, const std::string& old_passphrase,
                         const std::string& new_passphrase);

// The passphrase: from `passphrase_file` when given (refused when others can read it), else from
// the descriptor number in GRADMINT_PASSPHRASE_FD, else asked on the terminal (twice when
// `confirm`). Never an argument.
Result<std::string> obtain_passphrase(const std::filesystem::path& passphrase_file, bool confirm);

}  // namespace gradmint
