#include "coordinator/cli/dev_run.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "coordinator/cli/command.h"
#include "coordinator/cli/dev_homes.h"
#include "coordinator/cli/dev_processes.h"
#include "coordinator/cli/display.h"
#include "coordinator/cli/sibling.h"
#include "coordinator/cli/terminal.h"
#include "kernels/base/printable.h"
#include "kernels/cpu_level.h"
#include "ledger/durable_file.h"
#include "ledger/json_text.h"
#include "ledger/kernel_spec.h"
#include "ledger/output/output_queue.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kStopGraceMs = 10'000;
constexpr int kFinishGraceMs = 5'000;
constexpr int kReaderGraceMs = 5'000;  // for whoever reads the last lines
constexpr const char* kCoordinator = "coordinator";
constexpr const char* kWarning = "warning:";  // how a worker begins a line about a fault

// One federation from start to end. Each step says with a Status whether to go on.
class DevRun {
 public:
  DevRun(const DevPlan& plan, Children children)
      : plan_(plan),
        children_(std::move(children)),
        style_(terminal_style()),
        display_(style_),
        out_(STDOUT_FILENO,
             [live = style_.live](std::uint64_t n) { return dropped_line(n, live); }),
        errors_(STDERR_FILENO, [](std::uint64_t n) { return dropped_line(n, false); }) {}

  int run() {
    const DevOptions& o = plan_.options;
    write_out("a federation of " + std::to_string(o.workers) + " workers, " +
              std::to_string(o.rounds) + " rounds, in " + printable(plan_.home) + "\n");
    const Status done = steps();
    const std::string between = deaths_.empty() || done.ok() ? "" : "; ";
    const std::string fault = deaths_ + between + (done.ok() ? "" : done.error().message);
    if (!fault.empty()) note(fault);
    stop();
    if (done.ok()) audit();
    finish();
    out_.close(kReaderGraceMs);
    errors_.close(kReaderGraceMs);
    if (failure_.empty()) return kExitOk;
    return coordinator_started_ ? kExitFailed : kExitUnusable;
  }

 private:
  Status steps() {
    const auto addresses = furnish_homes(plan_);
    if (!addresses) return addresses.error();
    for (std::size_t i = 0; i < plan_.workers.size(); ++i)
      run_.workers.push_back({plan_.workers[i].name, (*addresses)[i], plan_.workers[i].adversary});
    if (Status made = prepare(); !made.ok()) return made;
    if (Status up = start_coordinator(); !up.ok()) return up;
    if (Status up = start_workers(); !up.ok()) return up;
    while (!coordinator_ended_)
      if (Status going = pass(); !going.ok()) return going;
    const std::string fault = run_.fault(static_cast<std::uint64_t>(plan_.options.rounds));
    if (!fault.empty()) return Error{ErrorCode::refused, fault};
    return {};
  }

  Status prepare() {
    if (plan_.options.initial.empty()) {
      const auto made = output_of("init-model", init_model_command(plan_));
      if (!made) return made.error();
    }
    const auto made = output_of("coordinator-init", coordinator_init_command(plan_));
    if (!made) return made.error();
    return {};
  }

  Result<std::string> output_of(const std::string& name, const CommandLine& words) {
    trace(words);
    const auto ran = children_.run(name, words);
    if (!ran) return ran.error();
    if (!ran->succeeded) return Error{ErrorCode::refused, ended(name, ran->text)};
    return ran->output;
  }

  Status start_coordinator() {
    const CommandLine words = coordinator_run_command(plan_);
    trace(words);
    const auto started = children_.start(kCoordinator, words, Output::lines);
    if (!started) return started.error();
    coordinator_ = *started;
    while (!coordinator_started_ && !coordinator_ended_)
      if (Status going = pass(); !going.ok()) return going;
    return {};
  }

  Status start_workers() {
    for (std::size_t i = 0; i < plan_.workers.size(); ++i) {
      const std::string& name = plan_.workers[i].name;
      auto invitation = output_of("invite", invite_command(plan_));
      if (!invitation) return invitation.error();
      while (!invitation->empty() && invitation->back() == '\n') invitation->pop_back();
      const CommandLine words = join_command(plan_, i, *invitation);
      trace(words);
      const auto started = children_.start(name, words, Output::lines_and_log);
      if (!started) return started.error();
      ++workers_left_;
    }
    return {};
  }

  // Waits for the next thing to happen and takes note of it.
  Status pass() {
    const Happening now = children_.wait(-1);
    for (const ChildLine& line : now.lines)
      if (Status told = take_line(line); !told.ok()) return told;
    Status all_well;
    for (const ChildExit& exit : now.exits) {
      const Status taken = take_exit(exit);
      if (all_well.ok()) {
        all_well = taken;  // told at the end
      } else if (!taken.ok() && taken.error().message != all_well.error().message) {
        write_out(display_.say("warning: " + printable(taken.error().message)));
      }
    }
    if (!all_well.ok()) return all_well;
    if (now.interrupted) return Error{ErrorCode::refused, "interrupted"};
    return {};
  }

  // Workers talk for their log; what goes wrong with one is shown here as well, once: the next
  // attempt at a round mostly fails like the one before.
  Status take_line(const ChildLine& line) {
    if (line.child == coordinator_) return take_event(line.text);
    if (line.text.rfind(kWarning, 0) != 0) return {};
    const std::string text = children_.name_of(line.child) + ": " + line.text;
    if (warnings_.insert(text).second) write_out(display_.say(printable(text)));
    return {};
  }

  Status take_event(const std::string& line) {
    const auto event = parse_event(line);
    if (!event) return event.error();
    run_.on(*event);
    // What a worker told the coordinator of itself it has said here too, in more words.
    const bool told = event->kind == EventKind::warning && !event->worker.empty();
    display_.set_columns(terminal_columns(style_));
    if (!told) write_out(display_.on(*event, run_));
    if (told) last_trouble_ = event->text;
    if (event->kind == EventKind::started) coordinator_started_ = true;
    if (event->kind == EventKind::round_opened) training_ = true;
    if (event->kind == EventKind::settled) abandoned_in_a_row_ = 0;
    if (event->kind == EventKind::abandoned && ++abandoned_in_a_row_ >= kMaxDevAttempts)
      return Error{ErrorCode::refused, "round " + std::to_string(event->round) + " was abandoned " +
                                           std::to_string(abandoned_in_a_row_) +
                                           " times in a row: " + event->text +
                                           (last_trouble_.empty() ? "" : "; " + last_trouble_)};
    return {};
  }

  Status take_exit(const ChildExit& exit) {
    if (exit.child == coordinator_) {
      coordinator_ended_ = true;
      if (exit.succeeded && run_.finished) return {};
      return Error{ErrorCode::refused, ended(kCoordinator, exit.text)};
    }
    if (run_.finished && exit.succeeded) return {};
    const std::string text = ended(exit.name, exit.text);
    if (!training_)
      return Error{ErrorCode::refused, text};  // the others would wait for it for ever
    deaths_ += (deaths_.empty() ? "" : "; ") + exit.name + " " + exit.text + "; its log is " +
               children_.log_of(exit.name).string();
    write_out(display_.say("warning: " + printable(text)));
    if (--workers_left_ < least_updates(plan_))
      return Error{ErrorCode::refused, "too few workers are left"};  // no round can end
    return {};
  }

  // The first line says what happened; the last of the log follow.
  std::string ended(const std::string& name, const std::string& how) const {
    const std::string words = children_.last_words(name);
    return name + " " + how + "; its log is " + children_.log_of(name).string() +
           (words.empty() ? "" : ", and ends with\n" + words);
  }

  void stop() {
    write_out(display_.clear());
    if (failure_.empty()) wait_for_workers();
    if (children_.any_running()) children_.stop_all(kStopGraceMs);
  }

  // After the last round workers go by themselves; whoever does not is asked to.
  void wait_for_workers() {
    while (children_.any_running()) {
      const Happening now = children_.wait(kFinishGraceMs);
      if (now.exits.empty()) return;
    }
  }

  void audit() {
    write_out("auditing: every signature, hash and aggregation, recomputed from the ledger\n");
    const CommandLine words = audit_command(plan_);
    trace(words);
    const auto ran = children_.run("audit", words);
    if (!ran) return note(ran.error().message);
    audit_ = json::parse(ran->output, nullptr, false);
    if (audit_.is_discarded()) audit_ = nullptr;
    const bool holds = audit_.is_object() && audit_.value("ok", false);
    if (!ran->succeeded || !holds)
      note(audit_.is_object()
               ? "the audit found a fault: " + json_text(audit_.value("fault", json()))
               : ended("audit", ran->text));
  }

  void finish() {
    write_out(display_.clear());
    if (!run_.rounds.empty()) write_out("\n" + workers_table(run_, style_));
    if (audit_.is_object())
      write_out(std::string("audit: ") + (audit_.value("ok", false) ? "ok" : "FAILED") +
                ", height " + std::to_string(audit_.value("height", std::uint64_t{0})) +
                ", state root " + printable(audit_.value("state_root", std::string("none"))) +
                "\n");
    if (const Status written = write_report(); !written.ok()) note(written.error().message);
    if (failure_.empty()) {
      write_out(next_steps());
    } else {
      errors_.write("gradmint dev: " + printable(failure_) + "\n" + failure_log_ + "its home is " +
                    printable(plan_.home) + ", its logs are in " + printable(plan_.log_dir) + "\n");
    }
  }

  Status write_report() const {
    const DevOptions& o = plan_.options;
    if (o.report.empty()) return {};
    const AggregationSpec rules = ledger_spec(plan_.aggregation);
    ReportFrame frame{o.seed,
                      o.initial.empty() ? o.data : "",
                      o.initial.empty() ? o.model : "external",
                      rules,
                      plan_.home,
                      plan_.ledger,
                      failure_,
                      audit_,
                      kernels::name_of(plan_.encoding)};
    const std::string text = json_text(report_json(run_, frame), 2) + "\n";
    return replace_file(o.report, as_bytes(text));
  }

  std::string next_steps() const {
    const std::string ledger = " --ledger " + shell_line({plan_.ledger}) + "\n";
    const std::string program = "  " + shell_line({own_command()});
    std::string text = "ledger: " + plan_.ledger + "\ntry next:\n";
    text += program + " audit explain " + run_.workers.front().address + ledger;
    text += program + " audit contributions" + ledger;
    text += program + " model export -o trained.safetensors" + ledger;
    return text;
  }

  // The first failure is the run's: its first line, and what a log said about it.
  void note(const std::string& failure) {
    if (!failure_.empty()) return;
    const std::size_t end = failure.find('\n');
    failure_ = failure.substr(0, end);
    if (end != std::string::npos) failure_log_ = failure.substr(end + 1) + "\n";
  }
  void write_out(const std::string& text) { out_.write(text); }
  void trace(const CommandLine& words) {
    const std::string& level = plan_.options.log_level;
    if (level == "debug" || level == "trace")
      errors_.write("gradmint dev: " + printable(shell_line(words)) + "\n");
  }

  const DevPlan& plan_;
  Children children_;
  DisplayStyle style_;
  Display display_;
  OutputQueue out_, errors_;  // nobody who stands still in front of them stops the run
  RunOutcome run_;
  json audit_;
  std::string failure_, failure_log_;
  std::string deaths_;              // of workers, each shown when it happened
  std::set<std::string> warnings_;  // of workers, shown
  std::string last_trouble_;        // of a worker with its training
  std::size_t coordinator_ = static_cast<std::size_t>(-1);
  bool coordinator_started_ = false, coordinator_ended_ = false, training_ = false;
  std::uint64_t abandoned_in_a_row_ = 0;
  std::int64_t workers_left_ = 0;
};

// Programs and files that have to be there before anything is made.
Result<DevPrograms> find_programs() {
  DevPrograms programs;
  programs.cli = own_executable().string();
  const auto coordinator = find_sibling("gradmint-coordinator");
  if (!coordinator) return coordinator.error();
  const auto worker = find_sibling("gradmint-worker");
  if (!worker) return worker.error();
  programs.coordinator = coordinator->string();
  programs.worker = worker->string();
  return programs;
}

// Children run elsewhere some day; what they are told are absolute paths.
Status make_absolute(const char* option, std::string& value) {
  const std::string file = option == std::string_view("--initial") ? value : named_file(value);
  if (file.empty()) return {};
  std::error_code failed;
  if (!fs::exists(file, failed))
    return Error{ErrorCode::not_found,
                 std::string(option) + " " + value + ": there is no such file or directory"};
  value = value.substr(0, value.size() - file.size()) + fs::absolute(file).string();
  return {};
}

}  // namespace

int run_dev(const DevOptions& given) {
  DevOptions options = given;
  if (const auto fine = plan_dev(options, "", {}); !fine) return tell(fine.error());
  if (const Status there = make_absolute("--data", options.data); !there.ok())
    return tell(there.error());
  if (const Status there = make_absolute("--model", options.model); !there.ok())
    return tell(there.error());
  if (const Status there = make_absolute("--initial", options.initial); !there.ok())
    return tell(there.error());
  if (!options.report.empty()) options.report = fs::absolute(options.report).string();
  const auto programs = find_programs();
  if (!programs) return tell(programs.error());
  if (const auto cpu = kernels::cpu_level_from_environment(); !cpu) return tell(cpu.error());
  const auto home = DevHome::claim(options.home);
  if (!home) return tell(home.error());
  const auto plan = plan_dev(options, home->path().string(), *programs);
  if (!plan) return tell(plan.error());
  std::error_code failed;
  fs::create_directories(plan->log_dir, failed);
  auto children = Children::create(plan->log_dir);
  if (!children) return tell(children.error());
  return DevRun(*plan, *std::move(children)).run();
}

}  // namespace gradmint
