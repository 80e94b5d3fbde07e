#include "coordinator/cli/dev_command.h"

#include <limits>
#include <memory>

#include "coordinator/cli/dev_run.h"
#include "coordinator/cli/rules_help.h"
#include "coordinator/rules/rule_options.h"

namespace gradmint {
namespace {

void add_encoding_options(CLI::App& dev, const std::shared_ptr<DevOptions>& o) {
  dev.add_option("--encoding", o->encoding,
                 "How updates travel: fp32, bf16, fp16, int8, int4 or top_k")
      ->capture_default_str();
  dev.add_option("--keep", o->keep, "top_k: how many values of each 4096 (64 if not given)");
}

// As gradmint worker has them, of which each worker is told.
void add_csv_options(CLI::App& dev, DevOptions& o) {
  dev.add_option("--task", o.task, "csv: what is learned (default: classification)")
      ->check(CLI::IsMember({"classification", "regression"}));
  dev.add_option("--label", o.label,
                 "csv: the label's column, by name or index from 0 (default: the last)");
  dev.add_option("--classes", o.classes,
                 "csv: all label names in order, comma-separated (default: those found)");
  dev.add_option("--header", o.header, "csv: whether the first row names the columns (auto)")
      ->check(CLI::IsMember({"auto", "yes", "no"}));
  dev.add_option("--drop", o.drop, "csv: columns to leave out, comma-separated");
  dev.add_option("--scaler", o.scaler,
                 "csv: where means and scales come from: the file (sample, the default), or sums "
                 "over the workers' rows before the first round (sites)")
      ->check(CLI::IsMember({"sample", "sites"}));
}

}  // namespace

void add_dev_command(CLI::App& app, CommandContext& context) {
  const auto o = std::make_shared<DevOptions>();
  CLI::App* dev =
      app.add_subcommand("dev", "Run a whole federation on this machine and audit what it leaves");
  dev->footer(
      rules_help() +
      "Examples:\n"
      "  gradmint dev --aggregator trimmed_mean --f 1 --optimizer adam --lr 0.1\n"
      "  gradmint dev --workers 5 --rounds 12 --data digits --adversary 4:signflip@4\n"
      "  gradmint dev --data csv:mine.csv --trainer 'python3 train.py' --report report.json\n"
      "Keys are derived from --seed, so that the same seed gives the same model roots: they are\n"
      "for play, never pay to them. Exit status: 0 all went well, 1 something failed, 2 it could\n"
      "not start.");
  dev->add_option("--workers", o->workers, "Worker processes")->capture_default_str();
  dev->add_option("--rounds", o->rounds, "Rounds to settle")->capture_default_str();
  dev->add_option("--data", o->data, "digits, mnist:DIR or csv:FILE")->capture_default_str();
  add_csv_options(*dev, *o);
  dev->add_option("--model", o->model, "mlp, cnn or a TorchScript FILE.pt")->capture_default_str();
  add_rule_options(*dev, o->rules);
  add_encoding_options(*dev, o);
  dev->add_option("--adversary", o->adversaries,
                  "Worker I (from 1) turns hostile, at ROUND or from the start: signflip, scale, "
                  "gaussian, labelflip, freerider, replay, copy, nan; may be given again")
      ->type_name("I:KIND[@ROUND]")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  dev->add_option("--alpha", o->alpha,
                  "Dirichlet concentration of the shards; smaller is less even, 0 is even")
      ->capture_default_str();
  dev->add_option("--seed", o->seed, "Of keys, shards, model and training")
      ->check(CLI::Range(std::int64_t{0}, std::numeric_limits<std::int64_t>::max()))
      ->capture_default_str();
  dev->add_option("--home", o->home,
                  "New directory for everything (default: a fresh one below $TMPDIR or /tmp)")
      ->type_name("DIR");
  dev->add_option("--report", o->report, "Write what happened there")->type_name("FILE.json");
  dev->add_option("--trainer", o->trainer, "Your own program, run by each worker each round")
      ->type_name("COMMAND");
  dev->add_option("--initial", o->initial,
                  "A model of your own to start from, with --trainer and --evaluator")
      ->type_name("FILE.safetensors");
  dev->add_option("--buffers", o->buffers,
                  "With --initial: tensors whose names match are buffers, besides running "
                  "statistics; may be given again")
      ->type_name("PATTERN")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  dev->add_option("--evaluator", o->evaluator,
                  "With --trainer: your own program that judges each new model")
      ->type_name("COMMAND");
  dev->add_option(
         "--device", o->device,
         "Where updates are aggregated: auto, cpu or cuda:N; the same roots on all of them")
      ->capture_default_str();
  dev->add_option("--train-device", o->train_device,
                  "Where workers train: auto, cpu or cuda:N; only cpu gives the same roots on "
                  "every machine")
      ->capture_default_str();
  dev->callback([&context, o] {
    o->log_level = context.log_level;
    context.exit_status = run_dev(*o);
  });
}

}  // namespace gradmint
