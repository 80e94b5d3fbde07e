#include "ledger/keystore.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "ledger/keystore_cipher.h"
#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr KeystoreCost kCheap{4};

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

SecretKey new_key() {
  const auto key = generate_key();
  REQUIRE(key.ok());
  return *key;
}

}  // namespace

TEST_CASE("keystore: a key comes back with its passphrase, and only with it") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "key.json";
  const SecretKey key = new_key();
  CHECK(key.public_key() != new_key().public_key());
  require_ok(write_keystore(file, key, "correct horse", kCheap));
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(read_text(file).find(to_hex(key.secret())) == std::string::npos);
  CHECK(read_keystore(file, "correct horse").value().secret() == key.secret());
  const auto wrong = read_keystore(file, "correct house");
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().code == ErrorCode::refused);
  CHECK(wrong.error().message.find("wrong passphrase") != std::string::npos);
  CHECK(read_keystore(folder.path() / "none", "x").error().code == ErrorCode::not_found);
}

TEST_CASE("keystore: a key that came later than its account comes back with the account") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "key.json";
  const AccountId account = new_key().account();
  const SecretKey key = new_key().for_account(account);
  CHECK(key.account() == account);
  CHECK(account_of(key.public_key()) != account);
  require_ok(write_keystore(file, key, "p", kCheap));
  const auto read = read_keystore(file, "p");
  REQUIRE(read.ok());
  CHECK(read->account() == account);
  CHECK(read->public_key() == key.public_key());
  require_ok(change_passphrase(file, "p", "q"));
  CHECK(read_keystore(file, "q").value().account() == account);

  // Neither another account nor its own can be put in its place.
  const std::string text = read_text(file);
  for (const AccountId& other : {new_key().account(), account_of(key.public_key())}) {
    std::string changed = text;
    const std::string address = address_of(account);
    changed.replace(changed.find(address), address.size(), address_of(other));
    std::filesystem::remove(file);
    write_text(file, changed);
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    CHECK(read_keystore(file, "q").error().code == ErrorCode::corrupt);
  }
}

TEST_CASE("keystore: never overwritten, never without a passphrase, never readable by others") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "key.json";
  const SecretKey key = new_key();
  CHECK(write_keystore(file, key, "", kCheap).error().code == ErrorCode::bad_input);
  CHECK(write_keystore(file, key, "p", {0}).error().code == ErrorCode::bad_input);
  CHECK(write_keystore(file, key, "p", {40}).error().code == ErrorCode::bad_input);
  CHECK_FALSE(std::filesystem::exists(file));
  require_ok(write_keystore(file, key, "p", kCheap));
  CHECK(write_keystore(file, new_key(), "q", kCheap).error().code == ErrorCode::refused);
  CHECK(read_keystore(file, "p").value().secret() == key.secret());
  for (const unsigned mode : {0640u, 0604u, 0620u, 0601u, 0666u}) {
    ::chmod(file.c_str(), mode);
    const auto read = read_keystore(file, "p");
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().code == ErrorCode::refused);
    CHECK(read.error().message.find("chmod 600") != std::string::npos);
  }
  for (const unsigned mode : {0600u, 0400u}) {
    ::chmod(file.c_str(), mode);
    CHECK(read_keystore(file, "p").ok());
  }
}

TEST_CASE("keystore: the passphrase can be changed, the key stays") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "key.json";
  const SecretKey key = new_key();
  require_ok(write_keystore(file, key, "old", kCheap));
  CHECK(change_passphrase(file, "wrong", "new").error().code == ErrorCode::refused);
  CHECK(change_passphrase(file, "old", "").error().code == ErrorCode::bad_input);
  require_ok(change_passphrase(file, "old", "new"));
  CHECK(read_keystore(file, "old").error().code == ErrorCode::refused);
  CHECK(read_keystore(file, "new").value().secret() == key.secret());
  CHECK(nlohmann::json::parse(read_text(file)).at("kdf").at("log2_n") == kCheap.log2_n);
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
}

TEST_CASE("keystore: two readers could read it differently, or one read for ever: damage") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "key.json";
  require_ok(write_keystore(file, new_key(), "p", kCheap));
  const std::string whole = read_text(file);
  const std::string nested = std::string(16, '[') + std::string(16, ']');
  for (const std::string& first : {"\"x\":" + nested + ",", std::string("\"address\":\"another\","),
                                   "\"x\":" + std::string(60'000, '[')}) {
    write_text(file, "{" + first + whole.substr(whole.find('{') + 1));
    CHECK(read_keystore(file, "p").error().code == ErrorCode::corrupt);
  }
  write_text(file, "{\"x\":[]," + whole.substr(whole.find('{') + 1));
  CHECK(read_keystore(file, "p").ok());
}

TEST_CASE("keystore: any damaged byte is called damage, not a wrong passphrase") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "key.json";
  const SecretKey key = new_key();
  require_ok(write_keystore(file, key, "p", kCheap));
  const std::string whole = read_text(file);
  int told = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    write_text(file, changed);
    const auto read = read_keystore(file, "p");
    CAPTURE(i);
    if (read.ok()) {
      CHECK(read->secret() == key.secret());  // a space, or the case of a digit
    } else {
      const bool version = read.error().code == ErrorCode::unsupported;  // "1" became another
      CHECK((version || read.error().code == ErrorCode::corrupt));
      ++told;
    }
  }
  CHECK(told > 500);
  for (const char* text : {"", "{", "[]", "{}", "null", "{\"gradmint_keystore\":1}",
                           "{\"gradmint_keystore\":\"1\"}", "\xff\xfe"}) {
    write_text(file, text);
    CHECK(read_keystore(file, "p").error().code == ErrorCode::corrupt);
  }
  write_text(file, "{\"gradmint_keystore\":2}");
  CHECK(read_keystore(file, "p").error().code == ErrorCode::unsupported);
  write_text(file, std::string(100'000, ' '));
  CHECK(read_keystore(file, "p").error().code == ErrorCode::corrupt);
}

TEST_CASE("keystore: no field of the header can be changed, whatever its checksum says") {
  const SecretKey key = new_key();
  const SealedKey sealed = seal_key(key, "p", kCheap.log2_n).value();
  const SealedKey other = seal_key(new_key(), "p", kCheap.log2_n).value();
  CHECK(open_key(sealed, "p").value().secret() == key.secret());
  std::vector<SealedKey> changed(7, sealed);
  changed[0].public_key = other.public_key;
  changed[1].log2_n = kCheap.log2_n + 1;
  changed[2].salt = other.salt;
  changed[3].nonce = other.nonce;
  changed[4].ciphertext = other.ciphertext;
  changed[5].tag = other.tag;
  changed[6] = other;
  changed[6].public_key = sealed.public_key;
  for (std::size_t i = 0; i < changed.size(); ++i) {
    CAPTURE(i);
    const auto opened = open_key(changed[i], "p");
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::refused);
    CHECK(checksum_of(changed[i]) != checksum_of(sealed));
  }
}

TEST_CASE("keystore: the default cost is scrypt's 2^18") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "key.json";
  const SecretKey key = new_key();
  require_ok(write_keystore(file, key, "p"));
  CHECK(nlohmann::json::parse(read_text(file)).at("kdf").at("log2_n") == 18);
  CHECK(read_keystore(file, "p").value().secret() == key.secret());
}

TEST_CASE("passphrase: from a file, or a descriptor, without its line end") {
  const TemporaryDirectory folder;
  const auto file = folder.path() / "passphrase";
  write_text(file, "secret\n");
  for (const char* mode : {"0604", "0640", "0644"}) {
    CAPTURE(mode);
    REQUIRE(::chmod(file.c_str(), static_cast<mode_t>(std::stoi(mode, nullptr, 8))) == 0);
    const auto refused = obtain_passphrase(file, false);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::refused);
    CHECK(refused.error().message.find("chmod 600") != std::string::npos);
  }
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  struct Row {
    std::string content;
    std::string expected;  // empty: refused
  };
  const Row rows[] = {{"secret", "secret"},
                      {"secret\n", "secret"},
                      {"secret\r\n", "secret"},
                      {"two words \n", "two words "},
                      {"first\nsecond\n", "first"},
                      {"", ""},
                      {"\n", ""},
                      {std::string(5000, 'x'), ""}};
  for (const Row& row : rows) {
    write_text(file, row.content);
    CAPTURE(row.content);
    const auto from_file = obtain_passphrase(file, false);
    CHECK(from_file.ok() == !row.expected.empty());
    if (from_file.ok()) CHECK(*from_file == row.expected);
    const int fd = ::open(file.c_str(), O_RDONLY);
    ::setenv("GRADMINT_PASSPHRASE_FD", std::to_string(fd).c_str(), 1);
    const auto from_descriptor = obtain_passphrase({}, true);
    CHECK(from_descriptor.ok() == !row.expected.empty());
    if (from_descriptor.ok()) CHECK(*from_descriptor == row.expected);
    ::close(fd);
  }
  for (const char* number : {"", "x", "-1", "7x", "99999999999999", "12345"}) {
    ::setenv("GRADMINT_PASSPHRASE_FD", number, 1);
    CHECK_FALSE(obtain_passphrase({}, false).ok());
  }
  ::unsetenv("GRADMINT_PASSPHRASE_FD");
  CHECK(obtain_passphrase(folder.path() / "none", false).error().code == ErrorCode::not_found);
}
