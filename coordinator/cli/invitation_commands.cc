#include "coordinator/cli/invitation_commands.h"

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>

#include "coordinator/cli/command.h"
#include "coordinator/cli/invitation_text.h"
#include "coordinator/config/path_option.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/invitation.h"
#include "coordinator/server/home.h"
#include "coordinator/server/invitations.h"
#include "coordinator/server/settings.h"
#include "kernels/base/exit_status.h"
#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/output/error_line.h"
#include "ledger/state.h"
#include "ledger/store.h"

namespace gradmint {
namespace {

using nlohmann::json;

constexpr std::size_t kLeastIdCharacters = 4;

struct InvitationOptions {
  std::string note, which;
  std::string format = "table";
};

std::uint64_t unix_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

// What invitations name: as the running coordinator says, else as the settings do.
Result<std::string> named_endpoint(const Home& home) {
  const auto running = read_file(home.endpoints(), 4096);
  if (running) {
    const auto object =
        parse_untrusted_json({reinterpret_cast<const char*>(running->data()), running->size()});
    if (object && object->is_object()) {
      if (auto named = text_member(*object, "public")) return *named;
    }
  }
  auto settings = load_settings(home.config());
  if (!settings) return settings.error();
  return public_endpoint(settings->public_join, settings->configured_join, settings->join_endpoint);
}

Result<GenesisRecord> genesis_of(const Home& home, const LedgerStore& store) {
  auto bytes = store.genesis();
  if (!bytes) return bytes.error();
  const auto genesis = decode_record<GenesisRecord>(*bytes);
  if (genesis) return *genesis;
  return Error{ErrorCode::corrupt, "the genesis in " + home.ledger().string() + " cannot be read"};
}

Status invite(const Home& home, const InvitationOptions& o) {
  auto endpoint = named_endpoint(home);
  if (!endpoint) return endpoint.error();
  auto curve = read_curve_key(home.curve_key());
  if (!curve) return curve.error();
  auto store = LedgerStore::open(home.ledger(), LedgerStore::Mode::read_only);
  if (!store) return store.error();
  const auto genesis = genesis_of(home, **store);
  if (!genesis) return genesis.error();
  Invitation invitation;
  invitation.join_endpoint = *endpoint;
  invitation.coordinator_curve_key = curve->public_key;
  invitation.chain_id = genesis->chain_id();
  if (auto fits = format_invitation(invitation); !fits)
    return fits.error();  // before a code is made
  if (genesis->enrolment == Enrolment::invitation) {
    auto code = Invitations(home.invitations()).create({{}, o.note, *endpoint, unix_ms()});
    if (!code) return code.error();
    invitation.code = *code;
  }
  std::printf("%s\n", format_invitation(invitation)->c_str());
  return {};
}

// Which worker has used each code, by the ledger.
struct Uses {
  std::map<Hash, AccountId> by_code;
  std::map<AccountId, std::string> names;
};

Result<Uses> read_uses(const Home& home) {
  auto store = LedgerStore::open(home.ledger(), LedgerStore::Mode::read_only);
  if (!store) return store.error();
  const std::string whole = state_key::invitation(Hash{});
  const std::string prefix = whole.substr(0, whole.size() - Hash{}.bytes.size());
  Uses uses;
  const Status read = (*store)->for_each_state([&](std::string_view key, ByteView value) {
    if (key.starts_with(state_key::kAccountPrefix)) {
      if (const auto account = decode_record<AccountRecord>(value); account && account->is_worker)
        uses.names[id_of_key(std::string(key))] = account->name;
    } else if (key.starts_with(prefix) && key.size() == whole.size()) {
      AccountId by;
      if (value.size() == by.bytes.size()) std::copy(value.begin(), value.end(), by.bytes.begin());
      uses.by_code[id_of_key(std::string(key))] = by;
    }
  });
  if (!read) return read.error();
  return uses;
}

Result<std::vector<InvitationLine>> all_invitations(const Home& home) {
  auto issued = Invitations(home.invitations()).all();
  if (!issued) return issued.error();
  auto uses = read_uses(home);
  if (!uses) return uses.error();
  std::vector<InvitationLine> lines;
  for (const IssuedInvitation& each : *issued) {
    InvitationLine line{each.code_hash,
                        each.note,
                        each.endpoint,
                        each.made_unix_ms,
                        each.revoked_unix_ms.has_value(),
                        "",
                        ""};
    if (const auto by = uses->by_code.find(each.code_hash); by != uses->by_code.end()) {
      line.used_by = address_of(by->second);
      line.used_by_name = uses->names[by->second];
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

Status list(const Home& home, const InvitationOptions& o) {
  auto endpoint = named_endpoint(home);
  if (!endpoint) return endpoint.error();
  auto lines = all_invitations(home);
  if (!lines) return lines.error();
  if (o.format == "json") {
    json all = json::array();
    for (const InvitationLine& line : *lines) all.push_back(invitation_json(line));
    std::printf("%s\n", json_text(json{{"endpoint", *endpoint}, {"invitations", all}}).c_str());
  } else {
    std::printf("%s", invitation_table(*lines, *endpoint).c_str());
  }
  return {};
}

// By the whole word, or by the beginning of its id.
Result<InvitationLine> invitation_named(const Home& home, const std::string& which) {
  std::string id = which;
  if (which.starts_with("gminv")) {
    auto word = parse_invitation(which);
    if (!word) return word.error();
    id = to_hex(invitation_hash(word->code));
  }
  if (id.size() < kLeastIdCharacters ||
      id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Error{ErrorCode::bad_input,
                 "'" + which + "' names no invitation: give the word itself, or at least " +
                     std::to_string(kLeastIdCharacters) +
                     " characters of its id in gradmint coordinator invitation list"};
  }
  auto lines = all_invitations(home);
  if (!lines) return lines.error();
  const auto found = with_id(*lines, id);
  if (found.size() == 1) return found.front();
  return Error{ErrorCode::bad_input, found.empty() ? "no invitation '" + which +
                                                         "' was written here; gradmint coordinator "
                                                         "invitation list shows them"
                                                   : std::to_string(found.size()) +
                                                         " invitations begin with '" + which +
                                                         "': give more characters of the id"};
}

Status revoke(const Home& home, const InvitationOptions& o) {
  const auto line = invitation_named(home, o.which);
  if (!line) return line.error();
  const std::string what = "invitation " + to_hex(line->code_hash).substr(0, 12) +
                           (line->note.empty() ? "" : " (" + printable(line->note) + ")");
  if (!line->used_by.empty()) {
    return Error{ErrorCode::refused, what + " has admitted " + line->used_by +
                                         " already: gradmint coordinator member suspend takes a "
                                         "worker's part away"};
  }
  if (line->revoked) return Error{ErrorCode::refused, what + " is revoked already"};
  if (Status s = Invitations(home.invitations()).revoke(line->code_hash, unix_ms()); !s) return s;
  std::printf("%s is revoked: it admits nobody any more\n", what.c_str());
  return {};
}

}  // namespace

void add_invitation_commands(CLI::App& app, std::string& home, int& status) {
  const auto options = std::make_shared<InvitationOptions>();
  const auto equip = [&](CLI::App* command, const char* example,
                         Status (*run)(const Home&, const InvitationOptions&)) {
    command->add_option("--home", home, "The coordinator's home directory")
        ->required()
        ->check(some_path());
    command->footer(std::string("Example:\n  gradmint coordinator ") + example);
    command->callback([options, run, &home, &status] {
      const Status done = run(Home{std::filesystem::absolute(home)}, *options);
      if (done.ok()) return;
      write_error_line("gradmint-coordinator", done.error().message);
      status = exit_status(done.error().code);
    });
    return command;
  };
  equip(app.add_subcommand("invite", "Print an invitation for one worker"),
        "invite --home ~/federation --note 'St. Mary'", invite)
      ->add_option("--note", options->note, "For whom it is; kept beside the code's hash");
  CLI::App* group = app.add_subcommand("invitation", "The invitations that were written here");
  group->require_subcommand(1);
  group->footer("Example:\n  gradmint coordinator invitation list --home ~/federation");
  CLI::App* listing = equip(group->add_subcommand("list", "For whom, when, and by whom used"),
                            "invitation list --home ~/federation", list);
  add_format_option(*listing, options->format);
  equip(group->add_subcommand("revoke", "Let one that is unused admit nobody"),
        "invitation revoke 3f9a02c1 --home ~/federation", revoke)
      ->add_option("invitation", options->which, "Its id, or the beginning of it; or the word")
      ->required()
      ->type_name("ID");
}

}  // namespace gradmint
