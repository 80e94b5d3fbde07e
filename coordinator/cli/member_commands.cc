#include "coordinator/cli/member_commands.h"

#include <cstdio>
#include <memory>

#include "coordinator/cli/command.h"
#include "coordinator/cli/workers_command.h"
#include "coordinator/config/path_option.h"
#include "coordinator/protocol/admin_link.h"
#include "kernels/base/exit_status.h"
#include "ledger/json_text.h"
#include "ledger/keys.h"
#include "ledger/output/error_line.h"

namespace gradmint {
namespace {

using nlohmann::json;

constexpr int kAnswerMs = 15'000;

struct MemberOptions {
  std::string address, reason, public_key, curve_key;
  std::string format = "table";
};

// What became of a statement, for people.
std::string refusal_text(const std::string& verdict, const std::string& address) {
  if (verdict == "unknown_worker") return address + " is no worker of this federation";
  if (verdict == "already_suspended") return address + " is suspended already";
  if (verdict == "not_suspended") return address + " is not suspended";
  if (verdict == "curve_key_taken")
    return "another account connects with that connection key: make fresh ones";
  if (verdict == "wrong_key") return "a key of zeros is none: give the keys that the worker shows";
  return "the ledger refused it: " + verdict;
}

Result<AccountId> account_of_text(const std::string& address) {
  const auto account = parse_address(address);
  if (account) return *account;
  return Error{ErrorCode::bad_input,
               "'" + address + "' is no address; one begins with gm1 and was copied whole"};
}

Result<json> member_of(AdminLink& link, const AccountId& account) {
  auto reply = link.ask({{"op", "members"}, {"account", to_hex(account)}}, kAnswerMs);
  if (!reply) return reply;
  if ((*reply)["members"].empty())
    return Error{ErrorCode::refused, address_of(account) + " is no worker of this federation"};
  return (*reply)["members"][0];
}

// Says it and waits for its block; gives the block's height. `pending` is a verdict that is no
// refusal.
Result<json> say(AdminLink& link, const json& statement, const std::string& address,
                 const std::string& pending = "ok") {
  auto reply = link.ask(statement, kAnswerMs);
  if (!reply) return reply;
  const std::string verdict = reply->value("verdict", "malformed");
  if (verdict != "ok" && verdict != pending)
    return Error{ErrorCode::refused, refusal_text(verdict, address)};
  return reply;
}

Status suspend_or_readmit(const std::string& home, const MemberOptions& o, bool suspend) {
  const auto account = account_of_text(o.address);
  if (!account) return account.error();
  auto link = AdminLink::open(home);
  if (!link) return link.error();
  json statement = {{"op", suspend ? "suspend" : "readmit"}, {"account", to_hex(*account)}};
  if (suspend) statement["text"] = o.reason;
  const auto said = say(*link, statement, o.address);
  if (!said) return said.error();
  const std::uint64_t height = said->value("height", std::uint64_t{0});
  if (o.format == "json") {
    std::printf("%s\n", json_text(json{{"address", o.address},
                                       {"state", suspend ? "suspended" : "readmitted"},
                                       {"height", height}})
                            .c_str());
  } else {
    std::printf("%s %s in block %llu\n", suspend ? "suspended" : "readmitted", o.address.c_str(),
                static_cast<unsigned long long>(height));
  }
  return {};
}

Status suspend(const std::string& home, const MemberOptions& o) {
  return suspend_or_readmit(home, o, true);
}
Status readmit(const std::string& home, const MemberOptions& o) {
  return suspend_or_readmit(home, o, false);
}

// The first time it asks, and once the delay is over the same command makes it hold.
Status rotate(const std::string& home, const MemberOptions& o) {
  const auto account = account_of_text(o.address);
  if (!account) return account.error();
  for (const auto& [option, text] :
       {std::pair{"--public-key", o.public_key}, std::pair{"--curve-key", o.curve_key}}) {
    if (!hash_from_hex(text))
      return Error{ErrorCode::bad_input,
                   std::string(option) + ": '" + text + "' is not 64 hexadecimal digits"};
  }
  auto link = AdminLink::open(home);
  if (!link) return link.error();
  const auto said = say(*link,
                        {{"op", "rotate"},
                         {"account", to_hex(*account)},
                         {"public_key", o.public_key},
                         {"curve_key", o.curve_key}},
                        o.address, "rotation_pending");
  if (!said) return said.error();
  const auto member = member_of(*link, *account);
  if (!member) return member.error();
  const std::uint64_t due = member->value("rotation_due_height", std::uint64_t{0});
  if (o.format == "json") {
    std::printf("%s\n", json_text(json{{"address", o.address},
                                       {"state", due == 0 ? "rotated" : "pending"},
                                       {"due_height", due}})
                            .c_str());
  } else if (due == 0) {
    std::printf("%s has its new keys\n", o.address.c_str());
  } else {
    std::printf(
        "asked for new keys of %s: from block %llu on the same command makes them hold, "
        "unless its old key objects\n",
        o.address.c_str(), static_cast<unsigned long long>(due));
  }
  return {};
}

std::string note_of(const json& member) {
  std::string note;
  if (member["state"] == "suspended") {
    const std::string text = member.value("text", "");
    note = "since block " + std::to_string(member.value("suspended_height", std::uint64_t{0})) +
           ": " + (text.empty() ? member.value("reason", "") : text);
  }
  if (member.contains("rotation_due_height")) {
    note += (note.empty() ? "" : "; ") + std::string("other keys asked for, due in block ") +
            std::to_string(member["rotation_due_height"].get<std::uint64_t>());
  }
  return note;
}

Status list(const std::string& home, const MemberOptions& o) {
  auto link = AdminLink::open(home);
  if (!link) return link.error();
  const auto reply = ask_list(*link, "members");
  if (!reply) return reply.error();
  const json& all = (*reply)["members"];
  const std::uint64_t height = reply->value("height", std::uint64_t{0});
  if (o.format == "json") {
    std::printf("%s\n", json_text(json{{"height", height}, {"members", all}}).c_str());
    return {};
  }
  std::printf("%-61s  %-20s  %-10s  %8s  %6s  %s\n", "address", "name", "state", "accepted",
              "missed", "note");
  for (const json& member : all) {
    std::printf("%-61s  %-20s  %-10s  %8llu  %6llu  %s\n", member.value("address", "").c_str(),
                member.value("name", "").c_str(), member.value("state", "").c_str(),
                static_cast<unsigned long long>(member.value("rounds_accepted", std::uint64_t{0})),
                static_cast<unsigned long long>(member.value("rounds_missed", std::uint64_t{0})),
                note_of(member).c_str());
  }
  std::printf("as of block %llu\n", static_cast<unsigned long long>(height));
  return {};
}

}  // namespace

void add_member_commands(CLI::App& app, std::string& home, int& status) {
  const auto options = std::make_shared<MemberOptions>();
  CLI::App* member =
      app.add_subcommand("member", "Members of a running coordinator: who may take part");
  member->require_subcommand(1);
  member->footer("Example:\n  gradmint coordinator member list --home ~/federation");
  const auto add = [&](const char* name, const char* what, const char* example,
                       Status (*run)(const std::string&, const MemberOptions&)) {
    CLI::App* command = member->add_subcommand(name, what);
    command->add_option("--home", home, "The coordinator's home directory")
        ->type_name("DIR")
        ->required()
        ->check(some_path());
    add_format_option(*command, options->format);
    command->footer(std::string("Example:\n  gradmint coordinator member ") + example);
    command->callback([options, run, &home, &status] {
      const Status done = run(home, *options);
      if (done.ok()) return;
      write_error_line("gradmint-coordinator", done.error().message);
      status = exit_status(done.error().code);
    });
    return command;
  };
  const auto with_address = [&](CLI::App* command) {
    command->add_option("address", options->address, "The worker's")
        ->required()
        ->type_name("ADDRESS");
    return command;
  };
  add("list", "Workers, and which of them take part", "list --home ~/federation", list);
  with_address(add("suspend", "Let a worker take no part, and close its connections",
                   "suspend gm1... --reason 'data withdrawn' --home ~/federation", suspend))
      ->add_option("--reason", options->reason, "One line that stays on the ledger for ever")
      ->required();
  with_address(add("readmit", "Let a suspended worker take part again",
                   "readmit gm1... --home ~/federation", readmit));
  CLI::App* rotation = with_address(
      add("rotate",
          "Give a worker other keys: asked for once, they hold when asked for again "
          "after limits.rotation_delay_blocks",
          "rotate gm1... --public-key HEX --curve-key HEX --home ~/federation", rotate));
  rotation->add_option("--public-key", options->public_key, "As gradmint keys rotate shows it")
      ->required()
      ->type_name("HEX");
  rotation->add_option("--curve-key", options->curve_key, "As gradmint keys rotate shows it")
      ->required()
      ->type_name("HEX");
}

}  // namespace gradmint
