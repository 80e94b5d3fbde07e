#include "coordinator/cli/workers_command.h"

#include <cstdio>
#include <memory>

#include "coordinator/cli/command.h"
#include "coordinator/cli/roster_text.h"
#include "coordinator/config/path_option.h"
#include "kernels/base/exit_status.h"
#include "ledger/json_text.h"
#include "ledger/output/error_line.h"

namespace gradmint {

using nlohmann::json;

namespace {

constexpr int kAnswerMs = 15'000;

Status list_workers(const std::string& home, const std::string& format) {
  auto link = AdminLink::open(home);
  if (!link) return link.error();
  const auto reply = ask_list(*link, "workers");
  if (!reply) return reply.error();
  const json& workers = (*reply)["workers"];
  if (format == "json") {
    std::printf("%s\n",
                json_text(json{{"round", (*reply)["round"]}, {"workers", workers}}).c_str());
  } else {
    std::printf("%s", roster_table(workers).c_str());
  }
  return {};
}

}  // namespace

Result<json> ask_list(AdminLink& link, const std::string& what) {
  json all = json::array();
  json question = {{"op", what}};
  while (true) {
    auto reply = link.ask(question, kAnswerMs);
    if (!reply) return reply;
    for (const json& each : (*reply)[what]) all.push_back(each);
    if (!reply->value("more", false)) {
      (*reply)[what] = std::move(all);
      return reply;
    }
    question["after"] = all.back()["account"];
  }
}

void add_workers_command(CLI::App& app, std::string& home, int& status) {
  const auto format = std::make_shared<std::string>("table");
  CLI::App* command = app.add_subcommand(
      "workers", "Who is there: what each worker is doing, its last update and score");
  command->add_option("--home", home, "The coordinator's home directory")
      ->required()
      ->check(some_path());
  add_format_option(*command, *format);
  command->footer("Example:\n  gradmint coordinator workers --home ~/federation");
  command->callback([format, &home, &status] {
    const Status done = list_workers(home, *format);
    if (done.ok()) return;
    write_error_line("gradmint-coordinator", done.error().message);
    status = exit_status(done.error().code);
  });
}

}  // namespace gradmint
