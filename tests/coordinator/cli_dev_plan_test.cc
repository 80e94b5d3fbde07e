#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "coordinator/cli/dev_plan.h"
#include "coordinator/config/toml_config.h"
#include "worker/adversary.h"

using namespace gradmint;

namespace {

const DevPrograms kPrograms{"/b/gradmint", "/b/gradmint-coordinator", "/b/gradmint-worker"};

std::string fault_of(const DevOptions& options) {
  const auto plan = plan_dev(options, "/h", kPrograms);
  return plan ? "" : plan.error().message;
}

DevOptions with(void (*change)(DevOptions&)) {
  DevOptions options;
  change(options);
  return options;
}

struct Row {
  void (*change)(DevOptions&);
  const char* text;  // the fault, or a part of it or of the settings
};

}  // namespace

TEST_CASE("dev_plan refuses what cannot run, in one line") {
  const Row rows[] = {
      {[](DevOptions&) {}, ""},
      {[](DevOptions& o) { o.workers = 0; }, "--workers 0: a federation needs at least one worker"},
      {[](DevOptions& o) { o.workers = -1; },
       "--workers -1: a federation needs at least one worker"},
      {[](DevOptions& o) { o.workers = 257; },
       "--workers 257: each is a process of its own; at most 256 here"},
      {[](DevOptions& o) { o.rounds = 0; }, "--rounds 0: a number from 1 to 1000000"},
      {[](DevOptions& o) { o.alpha = -1; }, "--alpha: a number of at least 0 (0: even shards)"},
      {[](DevOptions& o) { o.data = "iris"; }, "--data iris: digits, mnist:DIR or csv:FILE"},
      {[](DevOptions& o) { o.data = "csv:"; }, "--data csv:: digits, mnist:DIR or csv:FILE"},
      {[](DevOptions& o) { o.data = "mnist:d"; }, ""},
      {[](DevOptions& o) { o.label = "k"; }, "--label=k: goes with --data csv:FILE only"},
      {[](DevOptions& o) { o.header = "yes"; }, "--header=yes: goes with --data csv:FILE only"},
      {[](DevOptions& o) { o.drop = "id"; }, "--drop=id: goes with --data csv:FILE only"},
      {[](DevOptions& o) { o.scaler = "sites"; },
       "--scaler sites: goes with --data csv:FILE and a model that is made here only"},
      {[](DevOptions& o) {
         o.data = "csv:a.csv";
         o.scaler = "sites";
       },
       ""},
      {[](DevOptions& o) { o.model = "vgg"; }, "--model vgg: mlp, cnn or a TorchScript FILE.pt"},
      {[](DevOptions& o) { o.model = ".pt"; }, "--model .pt: mlp, cnn or a TorchScript FILE.pt"},
      {[](DevOptions& o) { o.model = "a.pt"; }, ""},
      {[](DevOptions& o) {
         o.adversaries = {"5:nan", "1:signflip@4"};
       },
       ""},
      {[](DevOptions& o) { o.encoding = "int8"; }, ""},
      {[](DevOptions& o) {
         o.encoding = "top_k";
         o.keep = 4096;
       },
       ""},
      {[](DevOptions& o) { o.encoding = "int2"; },
       "--encoding int2: encoding 'int2' is unknown: use fp32, bf16, fp16, int8, int4 or "
       "top_k:keep=NUMBER"},
      {[](DevOptions& o) { o.keep = 5; }, "--keep goes with --encoding top_k only"},
      {[](DevOptions& o) {
         o.encoding = "top_k";
         o.keep = 4097;
       },
       "--keep 4097: a number in [1, 4096]"},
      {[](DevOptions& o) {
         o.encoding = "top_k";
         o.keep = 0;
       },
       "--keep 0: a number in [1, 4096]"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(fault_of(with(row.change)) == row.text);
  }
}

TEST_CASE("dev_plan refuses adversaries that cannot be, in one line") {
  const Row rows[] = {
      {[](DevOptions& o) { o.adversaries = {"6:nan"}; },
       "--adversary 6:nan: there is no worker '6'; workers count from 1 to 5"},
      {[](DevOptions& o) { o.adversaries = {"0:nan"}; },
       "--adversary 0:nan: there is no worker '0'; workers count from 1 to 5"},
      {[](DevOptions& o) { o.adversaries = {"-1:nan"}; },
       "--adversary -1:nan: there is no worker '-1'; workers count from 1 to 5"},
      {[](DevOptions& o) { o.adversaries = {"nan"}; },
       "--adversary nan: write I:KIND or I:KIND@ROUND, as in 4:signflip@4"},
      {[](DevOptions& o) { o.adversaries = {"1:evil"}; },
       "--adversary 1:evil: no adversary is called 'evil'; there are signflip, scale, gaussian, "
       "labelflip, freerider, replay, copy, nan"},
      {[](DevOptions& o) { o.adversaries = {"1:nan@0"}; },
       "--adversary 1:nan@0: the round after @ is a number from 1"},
      {[](DevOptions& o) { o.adversaries = {"1:nan@x"}; },
       "--adversary 1:nan@x: the round after @ is a number from 1"},
      {[](DevOptions& o) {
         o.rounds = 3;
         o.adversaries = {"1:nan@3"};
       },
       ""},
      {[](DevOptions& o) {
         o.rounds = 3;
         o.adversaries = {"1:nan@4"};
       },
       "--adversary 1:nan@4: this run ends with round 3; name an earlier round, or give more "
       "--rounds"},
      {[](DevOptions& o) {
         o.adversaries = {"1:nan", "1:copy"};
       },
       "--adversary 1:copy: worker 1 already is 'nan'"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(fault_of(with(row.change)) == row.text);
  }
}

TEST_CASE("rules and their parameters: refused by name, or written for the coordinator in full") {
  const Row refused[] = {
      {[](DevOptions& o) { o.rules.aggregator = "krun"; },
       "--aggregator krun: aggregator 'krun' is unknown: known are mean, median"},
      {[](DevOptions& o) { o.rules.optimizer = "sgd"; },
       "--optimizer sgd: optimizer 'sgd' is unknown"},
      {[](DevOptions& o) { o.rules.pre = {"trim"}; },
       "--pre trim: pre-aggregation 'trim' is unknown: known are clip"},
      {[](DevOptions& o) { o.rules.pre = {"clip:f=1"}; },
       "--pre clip:f=1: pre-aggregation 'clip' has no parameter 'f'"},
      {[](DevOptions& o) {
         o.rules.parameters = {{"tau", "1"}};
       },
       "--tau 1: parameter 'tau' is taken by none of median and plain; it belongs to clip"},
      {[](DevOptions& o) {
         o.rules.parameters = {{"lr", "fast"}};
       },
       "parameter 'lr' = 'fast'"},
      {[](DevOptions& o) {
         o.rules.parameters = {{"lr", "0"}};
       },
       "parameter 'lr' = 0"},
      {[](DevOptions& o) { o.rules.pre = {"clip"}; }, "parameter 'tau' must be given"},
      {[](DevOptions& o) {
         o.workers = 4;
         o.rules.aggregator = "krum:f=1";
       },
       "--workers 4: aggregator 'krum', convention paper: f = 1 needs at least 5 updates, there "
       "are 4"},
      {[](DevOptions& o) { o.rules.aggregator = "krum"; }, "parameter 'f' must be given"},
      {[](DevOptions& o) {
         o.rules.pre = {"nnm", "clip:tau=1"};
         o.rules.parameters = {{"f", "1"}};
       },
       "pre-aggregation 'nnm' must come last"},
      {[](DevOptions& o) { o.device = "cuda:x"; }, "--device cuda:x: auto, cpu or cuda:N"},
  };
  for (const Row& row : refused) {
    CAPTURE(row.text);
    const std::string fault = fault_of(with(row.change));
    CHECK_MESSAGE(fault.find(row.text) != std::string::npos, fault);
    CHECK(fault.find('\n') == std::string::npos);
  }
  const Row written[] = {
      {[](DevOptions&) {}, "pre = []\naggregator = \"median\"\noptimizer = \"plain:lr=1\"\n"},
      {[](DevOptions& o) {
         o.rules.pre = {"clip"};
         o.rules.optimizer = "adam:eps=0.01";
         o.rules.parameters = {{"tau", "2.5"}, {"lr", "0.1"}};
       },
       "pre = [\"clip:tau=2.5\"]\naggregator = \"median\"\n"
       "optimizer = \"adam:lr=0.1,beta1=0.9,beta2=0.99,eps=0.01\"\n"},
      {[](DevOptions& o) {
         o.rules.aggregator = "multi_krum";
         o.rules.pre = {"arc", "nnm"};
         o.rules.parameters = {{"f", "1"}, {"convention", "flower"}};
       },
       "pre = [\"arc:f=1\", \"nnm:f=1\"]\n"
       "aggregator = \"multi_krum:f=1,m=0,convention=flower\"\n"},
      {[](DevOptions& o) { o.rules.aggregator = "krum:f=1"; }, "min_updates = 5\n"},
  };
  for (const Row& row : written) {
    const auto plan = plan_dev(with(row.change), "/h", kPrograms);
    REQUIRE(plan.ok());
    const std::string settings = coordinator_config(*plan);
    CHECK_MESSAGE(settings.find(row.text) != std::string::npos, settings);
  }
}

TEST_CASE("every kind that dev offers is one that the worker knows") {
  for (const char* kind :
       {"signflip", "scale", "gaussian", "labelflip", "freerider", "replay", "copy", "nan"}) {
    CAPTURE(kind);
    DevOptions options;
    options.adversaries = {std::string("2:") + kind + "@3"};
    const auto plan = plan_dev(options, "/h", kPrograms);
    REQUIRE(plan.ok());
    CHECK(plan->workers[1].adversary == std::string(kind) + "@3");
    CHECK(parse_adversary(plan->workers[1].adversary).ok());
    CHECK(plan->workers[0].adversary.empty());
  }
}

TEST_CASE("dev_plan lays homes out and writes settings that parse") {
  DevOptions options;
  options.workers = 3;
  options.rounds = 7;
  options.seed = 42;
  options.encoding = "top_k";
  options.keep = 9;
  options.model = "/m/it's \"mine\".pt";
  const auto plan = plan_dev(options, "/h", kPrograms);
  REQUIRE(plan.ok());
  CHECK(plan->coordinator_home == "/h/coordinator");
  CHECK(plan->ledger == "/h/coordinator/ledger");
  CHECK(plan->workers[2].home == "/h/worker-3");
  auto file = TomlConfig::parse(coordinator_config(*plan), "c");
  REQUIRE(file.ok());
  std::string model, program, command, by;
  int rounds = 0, min_workers = 0, min_updates = 0, seed = 0;
  bool exits = false;
  file->text("task.model", model);
  file->text("task.program", program);
  file->text("evaluation.by", by);
  file->text("evaluation.command", command);
  file->integer("rounds.count", rounds, 0, 100);
  file->integer("rounds.min_workers", min_workers, 0, 100);
  file->integer("rounds.min_updates", min_updates, 0, 100);
  file->integer("training.seed", seed, 0, 100);
  file->boolean("run.exit_when_finished", exits);
  std::string encoding;
  file->text("training.encoding", encoding);
  CHECK(encoding == "top_k:keep=9");
  CHECK(model == "torchscript");
  CHECK(program == options.model);
  CHECK(by == "coordinator");
  CHECK(command ==
        "/b/gradmint-worker evaluate --serve --model '/m/it'\\''s \"mine\".pt' --data digits "
        "--seed 42 --device cpu");
  CHECK(rounds == 7);
  CHECK(min_workers == 3);
  CHECK(min_updates == 2);
  CHECK(seed == 42);
  CHECK(exits);
}

TEST_CASE("with the user's own trainer one update is enough for a round") {
  DevOptions options;
  options.trainer = "python3 train.py";
  const auto plan = plan_dev(options, "/h", kPrograms);
  REQUIRE(plan.ok());
  CHECK(coordinator_config(*plan).find("min_updates = 1\n") != std::string::npos);
  const CommandLine words = join_command(*plan, 0, "gminv1x");
  CHECK(std::find(words.begin(), words.end(), "python3 train.py") != words.end());
}

TEST_CASE("dev_plan's command lines") {
  DevOptions options;
  options.workers = 2;
  options.seed = 9;
  options.alpha = 0.5;
  options.adversaries = {"2:copy@3"};
  const auto plan = plan_dev(options, "/h", kPrograms);
  REQUIRE(plan.ok());
  CHECK(shell_line(init_model_command(*plan)) ==
        "/b/gradmint-worker init-model --model mlp --data digits --seed 9 -o "
        "/h/initial.safetensors");
  CHECK(shell_line(coordinator_init_command(*plan)) ==
        "/b/gradmint-coordinator init --home /h/coordinator --config /h/coordinator.toml "
        "--passphrase-file /h/passphrase");
  CHECK(shell_line(coordinator_run_command(*plan)) ==
        "/b/gradmint-coordinator run --home /h/coordinator --passphrase-file /h/passphrase "
        "--events jsonl --log-level warn");
  CHECK(shell_line(invite_command(*plan)) ==
        "/b/gradmint-coordinator invite --home /h/coordinator");
  CHECK(shell_line(join_command(*plan, 1, "gminv1x")) ==
        "/b/gradmint-worker join gminv1x --home /h/worker-2 --model mlp --data digits --seed 9 "
        "--shard 2/2 --alpha 0.5 --name worker-2 --passphrase-file /h/passphrase --device cpu "
        "--threads 1 --log-level warn --adversary copy@3");
  CHECK(shell_line(audit_command(*plan)) ==
        "/b/gradmint audit verify --recompute --ledger /h/coordinator/ledger --format json");
}

TEST_CASE("a model of one's own has a trainer and an evaluator, and no data of ours") {
  DevOptions options;
  options.initial = "/d/m.safetensors";
  const auto refused = [&] { return plan_dev(options, "/h", kPrograms).error().message; };
  CHECK(refused().find("give --trainer") != std::string::npos);
  options.trainer = "python3 train.py";
  CHECK(refused().find("give --evaluator") != std::string::npos);
  options.evaluator = "python3 judge.py --all";
  const auto plan = plan_dev(options, "/h", kPrograms);
  REQUIRE(plan.ok());
  CHECK(shell_line(join_command(*plan, 0, "gminv1x")) ==
        "/b/gradmint-worker join gminv1x --home /h/worker-1 --samples 16777216 --name worker-1 "
        "--passphrase-file /h/passphrase --device cpu --threads 1 --log-level warn --trainer "
        "'python3 train.py'");
  const std::string config = coordinator_config(*plan);
  for (const char* line : {"model = \"external\"\n", "initial = \"/d/m.safetensors\"\n",
                           "by = \"coordinator\"\nevaluator = \"python3 judge.py --all\"\n"})
    CHECK_MESSAGE(config.find(line) != std::string::npos, config);
  CHECK(config.find("buffers") == std::string::npos);
  options.buffers = {"*.ema", "a\"b"};
  const std::string with = coordinator_config(plan_dev(options, "/h", kPrograms).value());
  CHECK(with.find("buffers = [\"*.ema\", \"a\\\"b\"]\n") != std::string::npos);
  options.initial.clear();
  CHECK(refused().find("--buffers *.ema: names tensors of a model of your own") == 0);
  options.buffers.clear();
  const std::string built_in = coordinator_config(plan_dev(options, "/h", kPrograms).value());
  CHECK(built_in.find("model = \"mlp\"\n") != std::string::npos);
  CHECK(built_in.find("evaluator = \"python3 judge.py --all\"\n") != std::string::npos);
  options.trainer.clear();
  CHECK(refused().find("--evaluator: goes with --trainer") != std::string::npos);
}

TEST_CASE("how a CSV file is read is told to everyone who reads it") {
  DevOptions options;
  options.data = "csv:/d/prices.csv";
  options.task = "regression";
  options.label = "price, EUR";
  options.header = "yes";
  options.drop = "id,ward";
  const auto plan = plan_dev(options, "/h", kPrograms);
  REQUIRE(plan.ok());
  const std::string words =
      "--data csv:/d/prices.csv --seed 1 --task=regression '--label=price, EUR' --header=yes "
      "--drop=id,ward ";
  CHECK(shell_line(init_model_command(*plan)).find(words) != std::string::npos);
  CHECK(shell_line(join_command(*plan, 0, "gminv1x")).find(words) != std::string::npos);
  const std::string config = coordinator_config(*plan);
  CHECK(config.find("objective = \"regression\"\n") != std::string::npos);
  CHECK(
      config.find("--task=regression '--label=price, EUR' --header=yes --drop=id,ward --device") !=
      std::string::npos);
}

TEST_CASE("dev secrets follow from the seed and differ by purpose") {
  std::set<Hash> secrets;
  for (const std::uint64_t seed : {0u, 1u})
    for (const char* purpose : {"validator", "worker-1", "worker-1/curve", "worker-11"})
      for (const std::uint32_t attempt : {0u, 1u})
        secrets.insert(dev_secret(seed, purpose, attempt));
  CHECK(secrets.size() == 16);
  CHECK(dev_secret(1, "validator") == dev_secret(1, "validator", 0));
}

TEST_CASE("shell_line quotes what a shell would touch") {
  CHECK(shell_line({"a", "b c", "", "it's", "$x", "~"}) == "a 'b c' '' 'it'\\''s' '$x' '~'");
}

TEST_CASE("named_file") {
  CHECK(named_file("digits") == "");
  CHECK(named_file("mlp") == "");
  CHECK(named_file("csv:/a/b.csv") == "/a/b.csv");
  CHECK(named_file("mnist:dir") == "dir");
  CHECK(named_file("x/net.pt") == "x/net.pt");
}
