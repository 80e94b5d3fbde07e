#include "coordinator/cli/key_commands.h"

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "coordinator/cli/key_rotation.h"
#include "ledger/durable_file.h"
#include "ledger/json_text.h"
#include "ledger/keystore.h"

namespace gradmint {
namespace {

struct KeyOptions {
  std::filesystem::path file, passphrase_file, new_passphrase_file;
  unsigned scrypt_log2_n = KeystoreCost{}.log2_n;
  std::string format = "table";
};

void print_key(const SecretKey& key, const KeyOptions& options) {
  const std::string address = address_of(key.account());
  if (options.format == "json") {
    const nlohmann::json object = {{"address", address},
                                   {"public_key", to_hex(key.public_key())},
                                   {"file", options.file.string()}};
    std::printf("%s\n", json_text(object).c_str());
    return;
  }
  std::printf("address     %s\npublic key  %s\nfile        %s\n", address.c_str(),
              to_hex(key.public_key()).c_str(), printable(options.file.string()).c_str());
}

Status new_key(const KeyOptions& options) {
  if (std::filesystem::exists(options.file))
    return Error{ErrorCode::bad_input,
                 options.file.string() + ": exists; a key is never overwritten, name another file"};
  const auto passphrase = obtain_passphrase(options.passphrase_file, true);
  if (!passphrase) return passphrase.error();
  const auto key = generate_key();
  if (!key) return key.error();
  if (const auto folder = options.file.parent_path(); !folder.empty())
    if (Status made = create_directory_synced(folder); !made.ok()) return made;
  Status written =
      write_keystore(options.file, *key, *passphrase, KeystoreCost{options.scrypt_log2_n});
  if (written.ok()) print_key(*key, options);
  return written;
}

Status show_key(const KeyOptions& options) {
  const auto passphrase = obtain_passphrase(options.passphrase_file, false);
  if (!passphrase) return passphrase.error();
  const auto key = read_keystore(options.file, *passphrase);
  if (!key) return key.error();
  print_key(*key, options);
  return {};
}

Status change_key_passphrase(const KeyOptions& options) {
  const auto before = obtain_passphrase(options.passphrase_file, false);
  if (!before) return before.error();
  const auto after = obtain_passphrase(options.new_passphrase_file, true);
  if (!after) return after.error();
  Status changed = change_passphrase(options.file, *before, *after);
  if (changed.ok())
    std::printf("passphrase changed: %s\n", printable(options.file.string()).c_str());
  return changed;
}

CLI::App* add_command(CLI::App& keys, const char* name, const char* what, const char* example,
                      const std::shared_ptr<KeyOptions>& options) {
  CLI::App* command = keys.add_subcommand(name, what);
  command->add_option("file", options->file, "The key's file")->required()->type_name("FILE");
  command
      ->add_option("--passphrase-file", options->passphrase_file,
                   "File with the passphrase; without it GRADMINT_PASSPHRASE_FD or the terminal")
      ->type_name("FILE");
  command->footer(std::string("Example:\n  ") + example);
  return command;
}

void add_rotation(CLI::App& keys, CommandContext& context) {
  const auto options = std::make_shared<RotationOptions>();
  CLI::App* rotate = keys.add_subcommand(
      "rotate", "Give a worker's account other keys; its address, tokens and score stay");
  rotate->add_option("--home", options->home, "The worker's home; no worker may run in it")
      ->required()
      ->type_name("DIR");
  rotate->add_flag("--lost", options->lost,
                   "The present key cannot sign: make new ones for the operator to ask for");
  rotate
      ->add_option("--passphrase-file", options->passphrase_file,
                   "File with the passphrase; without it GRADMINT_PASSPHRASE_FD or the terminal")
      ->type_name("FILE");
  add_format_option(*rotate, options->format);
  rotate->footer(
      "Example:\n  gradmint keys rotate --home ~/worker\n"
      "Cut off, or refused, the same command goes on where it stopped.");
  rotate->callback([&context, options] {
    const Status done = rotate_keys(*options);
    if (!done.ok()) context.exit_status = tell(done.error());
  });
}

}  // namespace

void add_key_commands(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<KeyOptions>();
  CLI::App* keys = app.add_subcommand("keys", "Make and look at signing keys");
  keys->require_subcommand(1);
  keys->footer("Example:\n  gradmint keys new worker.json");
  const auto run = [&context, options](Status (*command)(const KeyOptions&)) {
    return [&context, options, command] {
      const Status done = command(*options);
      if (!done.ok()) context.exit_status = tell(done.error());
    };
  };

  CLI::App* fresh = add_command(*keys, "new", "Make a key and encrypt it under a passphrase",
                                "gradmint keys new worker.json", options);
  fresh->add_option("--scrypt-log2-n", options->scrypt_log2_n, "Cost of guessing the passphrase")
      ->check(CLI::Range(10, 22))
      ->capture_default_str();
  add_format_option(*fresh, options->format);
  fresh->callback(run(new_key));

  CLI::App* show =
      add_command(*keys, "show", "Print a key's address and public key",
                  "gradmint keys show worker.json --passphrase-file secret.txt", options);
  add_format_option(*show, options->format);
  show->callback(run(show_key));

  CLI::App* change =
      add_command(*keys, "change-passphrase", "Encrypt a key under another passphrase",
                  "gradmint keys change-passphrase worker.json", options);
  change
      ->add_option("--new-passphrase-file", options->new_passphrase_file,
                   "File with the new passphrase; without it the terminal asks")
      ->type_name("FILE");
  change->callback(run(change_key_passphrase));

  add_rotation(*keys, context);
}

}  // namespace gradmint
