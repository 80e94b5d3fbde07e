// What the audit commands print: every JSON against its published schema, the chain from a balance
// back to the data, and the same for people.
#include <doctest/doctest.h>

#include <algorithm>

#include "contracts/amount.h"
#include "coordinator/cli/audit_json.h"
#include "coordinator/cli/audit_text.h"
#include "gradmint_test_paths.h"
#include "kernels/encoding.h"
#include "ledger/audit/export.h"
#include "ledger/audit/verify.h"
#include "ledger/json_text.h"
#include "tests/ledger/store_fixture.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

bool is_of_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  return type == "null" && value.is_null();
}

bool has_type(const Json& value, const Json& types) {
  if (types.is_string()) return is_of_type(value, types.get<std::string>());
  return std::any_of(types.begin(), types.end(),
                     [&](const Json& t) { return is_of_type(value, t.get<std::string>()); });
}

// The patterns that our schemas use; any other matches nothing.
bool matches(const std::string& text, const std::string& pattern) {
  const auto only = [&](std::size_t from, const char* letters) {
    return text.find_first_not_of(letters, from) == std::string::npos;
  };
  const bool hex = only(0, "0123456789abcdef");
  if (pattern == "^[0-9a-f]{64}$") return text.size() == 64 && hex;
  if (pattern == "^[0-9a-f]{128}$") return text.size() == 128 && hex;
  if (pattern == "^gm1[0-9a-z]+$") return parse_address(text).has_value();
  if (pattern == R"(^[0-9]+(\.[0-9]{1,9})?$)") return contracts::parse_amount(text).has_value();
  if (pattern == "^(fp32|bf16|fp16|int8|int4|top_k:keep=[0-9]+)$") {
    return kernels::parse_encoding(text).ok();
  }
  return false;
}

// The part of JSON Schema that our schemas use; any other keyword is a complaint. "" when it fits.
std::string misfit(const Json& value, const Json& schema, const std::string& where) {
  static const std::set<std::string> known = {"$schema",  "title",      "type",
                                              "required", "properties", "additionalProperties",
                                              "items",    "enum",       "pattern"};
  for (const auto& [keyword, unused] : schema.items()) {
    if (!known.contains(keyword)) return where + ": unknown keyword " + keyword;
  }
  if (schema.contains("type") && !has_type(value, schema["type"])) return where + ": wrong type";
  if (value.is_null()) return "";
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
    return where + ": not one of the enumerated";
  }
  if (schema.contains("pattern") &&
      !matches(value.get<std::string>(), schema["pattern"].get<std::string>())) {
    return where + ": " + value.get<std::string>() + " does not match";
  }
  for (const Json& key : schema.value("required", Json::array())) {
    if (!value.contains(key.get<std::string>())) return where + ": lacks " + key.get<std::string>();
  }
  if (value.is_object() && schema.contains("properties")) {
    for (const auto& [key, member] : value.items()) {
      if (!schema["properties"].contains(key)) return where + ": unknown member " + key;
      const std::string fault = misfit(member, schema["properties"][key], where + "." + key);
      if (!fault.empty()) return fault;
    }
  }
  const Json others = schema.value("additionalProperties", Json());
  if (value.is_object() && others.is_object()) {  // names that the schema does not know
    for (const auto& [key, member] : value.items()) {
      const std::string fault = misfit(member, others, where + "." + key);
      if (!fault.empty()) return fault;
    }
  }
  if (value.is_array() && schema.contains("items")) {
    for (const Json& item : value) {
      const std::string fault = misfit(item, schema["items"], where + "[]");
      if (!fault.empty()) return fault;
    }
  }
  return "";
}

std::string misfit(const Json& value, const std::string& name) {
  const auto file = std::filesystem::path(GRADMINT_SOURCE_DIR) / "docs" / "schemas" /
                    ("audit-" + name + ".schema.json");
  return misfit(value, Json::parse(read_text(file)), name);
}

// Two settled rounds, an attempt given up between them, a round still open, a transfer.
World eventful() {
  WorldOptions options;
  options.workers = 3;
  options.clip = 0.5F;
  World w(options);
  w.enrol();
  w.run_round();
  w.must(w.workers[1], Transfer{w.workers[0].account(), 7, "for lunch"});
  w.open();
  w.commit();
  w.close();
  w.must(w.validator(), w.abandon_body());
  w.open();
  w.commit();
  w.close();
  w.silent = {2};
  w.result();
  w.attest();
  w.settle();
  w.open();
  w.commit();
  return w;
}

struct Fixture {
  TemporaryDirectory folder;
  World world = eventful();
  OpenedHistory opened;
  Fixture() : opened(make()) {}
  OpenedHistory make() {
    store_world(world, folder.path() / "ledger");
    auto history = open_history(*source_at(folder.path() / "ledger"));
    if (!history.ok()) FAIL(history.error().message);
    return *std::move(history);
  }
};

std::uint64_t units(const Json& amount) {
  return contracts::parse_amount(amount.get<std::string>()).value();
}

}  // namespace

TEST_CASE("audit output: every JSON fits its schema") {
  const Fixture f;
  const auto& history = f.opened.history;
  const AccountId worker = f.world.workers[0].account();
  const auto source = source_at(f.folder.path() / "ledger");
  const auto report = verify_ledger(source, {true, 0, {}});
  REQUIRE(report.ok());
  CHECK(misfit(verify_json(*report), "verify") == "");
  AuditReport faulty = *report;
  faulty.fault = AuditFault{3, "blob_missing", "a", "b"};
  CHECK(misfit(verify_json(faulty), "verify") == "");
  CHECK(misfit(contributions_json(history, {}), "contributions") == "");
  CHECK(misfit(explain_json(history, worker, std::nullopt), "explain") == "");
  CHECK(misfit(explain_json(history, f.world.validator().account(), std::nullopt), "explain") ==
        "");
  for (std::uint64_t height = 0; height <= f.world.chain.height(); ++height) {
    const auto block = source->ledger->block(height);
    REQUIRE(block.ok());
    CHECK(misfit(block_json(*block), "block") == "");
  }
  const auto exported = export_bundle(*source, {f.folder.path() / "bundle", {}, true, {}});
  REQUIRE(exported.ok());
  CHECK(misfit(export_json(*exported), "export") == "");
  for (const PlayedBlock& played : f.world.played) {
    for (const SignedTransaction& tx : played.draft.block.transactions) {
      CHECK(misfit(transaction_json(tx, played.draft.block.header.height, 0), "tx") == "");
    }
  }
  REQUIRE(history.attempts.size() == 4);
  for (const Attempt& attempt : history.attempts) {
    CHECK(misfit(round_json(history, attempt), "round") == "");
  }
  CHECK(history.find_round(2) == history.find_attempt(2, 1));
  REQUIRE(history.find_attempt(2, 0) != nullptr);
  CHECK(history.find_attempt(2, 0)->standing() == "abandoned");
  CHECK(history.find_attempt(2, 2) == nullptr);
  CHECK(misfit(worker_json(history, worker, f.opened.chain.state()), "worker") == "");
  const Json job = state_json(f.opened.chain.state(), f.opened.chain.height(), "j");
  CHECK(misfit(job, "state") == "");
  CHECK(job["entries"].size() == 1);
  const Json accounts = state_json(f.opened.chain.state(), 0, state_prefix_from("a/").value());
  CHECK(misfit(accounts, "state") == "");
  CHECK(accounts["entries"].size() >= 4);  // the validator's and three workers'
  for (const auto& [id, dataset] : history.datasets) {
    Json out = {{"schema", "gradmint/audit-dataset/1"}};
    out.update(dataset_json(id, dataset));
    CHECK(misfit(out, "dataset") == "");
  }
}

TEST_CASE("audit output: what is said of a receipt fits its schema") {
  const Fixture f;
  const auto& history = f.opened.history;
  const Hash chain_id = f.world.chain.chain_id();
  const ResultEntry& entry = history.attempts[0].result->body.entries[0];
  const auto said = [&](const AttemptKey& key, const SecretKey& by) {
    KeptUpdate kept;
    kept.key = key;
    kept.receipt = make_receipt(by, chain_id, key, entry.worker, entry.opening->root);
    return receipt_json(history, check_receipt(history, chain_id, kept),
                        ByteView(kept.receipt).subspan(32));
  };
  const std::pair<Json, const char*> cases[] = {
      {said({1, 0}, f.world.validator()), "accepted"},
      {said({3, 0}, f.world.validator()), "pending"},
      {said({9, 0}, f.world.validator()), "not_honoured"},
      {said({1, 0}, key_of("stranger")), "not_honoured"},
  };
  for (const auto& each : cases) {
    CHECK(misfit(each.first, "receipt") == "");
    CHECK(each.first["standing"] == each.second);
    CHECK(receipt_text(each.first).ends_with("\n\n" + table_text(each.first)));
  }
}

TEST_CASE("audit output: the schemas refuse what does not fit") {
  const Fixture f;
  Json value = contributions_json(f.opened.history, {});
  value["workers"][0]["minted"] = 5;
  CHECK(misfit(value, "contributions") != "");
  value = contributions_json(f.opened.history, {});
  value["workers"][0].erase("name");
  CHECK(misfit(value, "contributions") != "");
  value = contributions_json(f.opened.history, {});
  value["surprise"] = 1;
  CHECK(misfit(value, "contributions") != "");
}

TEST_CASE("audit output: a balance is explained to the last unit") {
  const Fixture f;
  for (const SecretKey& key :
       {f.world.workers[0], f.world.workers[1], f.world.workers[2], f.world.validator()}) {
    const Json out = explain_json(f.opened.history, key.account(), std::nullopt);
    const auto account =
        get<AccountRecord>(f.world.chain.state(), state_key::account(key.account()));
    CHECK(units(out["balance"]) == account->balance);
    CHECK(units(out["allocated"]) + units(out["minted"]) + units(out["received"]) -
              units(out["sent"]) ==
          account->balance);
    std::uint64_t minted = 0;
    for (const Json& round : out["rounds"]) minted += units(round["minted"]);
    CHECK(minted == account->minted);
  }
  const Json out = explain_json(f.opened.history, f.world.workers[2].account(), std::nullopt);
  REQUIRE(out["rounds"].size() == 2);
  const Json& paid = out["rounds"][0];
  CHECK(paid["rule"]["name"] == "linear");
  CHECK(paid["rule"]["id"] == to_hex(f.world.genesis.rule_id()));
  CHECK(paid["share"] ==
        paid["weight"].get<std::uint64_t>() * paid["score_ppm"].get<std::uint64_t>());
  CHECK(paid["dataset"]["owner"] == out["address"]);
  CHECK(paid["opening"]["size_bytes"] == 32);
  CHECK(out["rounds"][1]["verdict"] == "not_revealed");
  CHECK(out["rounds"][1]["minted"] == "0");
  CHECK(explain_json(f.opened.history, f.world.workers[2].account(), 1)["rounds"].size() == 1);
}

TEST_CASE(
    "audit output: an explanation begins with sentences that need no ledger to be understood") {
  const Fixture f;
  const Json out = explain_json(f.opened.history, f.world.workers[2].account(), std::nullopt);
  const std::string text = explain_text(out);
  const std::string name = out["name"], address = out["address"], balance = out["balance"];
  const std::string first = text.substr(0, text.find('\n'));
  CHECK(first.starts_with((name.empty() ? "The account " + address : name + " (" + address + ")") +
                          " holds " + balance + " tokens: "));
  CHECK(first.find(out["minted"].get<std::string>() + " minted for its updates") != first.npos);
  const std::string second = text.substr(first.size() + 1);
  CHECK(
      second.starts_with("Of the 2 rounds listed below in which it committed to an update, that "
                         "update was accepted in 1 and paid in 1."));
  CHECK(second.find("reward rule 'linear', version 1") != second.npos);
  CHECK(second.find(out["rounds"][0]["dataset"]["name"].get<std::string>()) != second.npos);
  CHECK(text.ends_with("\n\n" + table_text(out)));
  const std::string nobody =
      explain_text(explain_json(f.opened.history, f.world.validator().account(), std::nullopt));
  CHECK(nobody.find("Of the ") == nobody.npos);
}

TEST_CASE("audit output: contributions add up to what the state says") {
  const Fixture f;
  const Json all = contributions_json(f.opened.history, {});
  CHECK(all["workers"].size() == 3);
  CHECK(all["contributions"].size() == 6);
  for (const Json& worker : all["workers"]) {
    const auto id = parse_address(worker["address"].get<std::string>());
    const auto account = get<AccountRecord>(f.world.chain.state(), state_key::account(*id));
    CHECK(units(worker["minted"]) == account->minted);
    CHECK(worker["rounds_accepted"] == account->rounds_accepted);
  }
  CHECK(contributions_json(f.opened.history, {f.world.workers[0].account(), 2})["contributions"]
            .size() == 1);
  CHECK(contributions_json(f.opened.history, {std::nullopt, 9})["contributions"].empty());
}

TEST_CASE("audit output: text for people carries no control character of a peer's") {
  const Fixture f;
  Json out = explain_json(f.opened.history, f.world.workers[0].account(), std::nullopt);
  out["note"] = "for\x1b[31m lunch";  // none is on a ledger; should one come another way
  const std::string text = table_text(out);
  CHECK(text.find("lunch") != std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("balance") != std::string::npos);
  CHECK(text.find("commitment.hash") != std::string::npos);
  CHECK(json_text(out, 2).find('\x1b') == std::string::npos);
  CHECK(table_text(contributions_json(f.opened.history, {})).find("score_ppm") !=
        std::string::npos);
  AuditReport report;
  report.fault = AuditFault{3, "blob_missing", "abc\x1b[2J", "nothing"};
  const std::string verdict = verify_text(report, true);
  CHECK(verdict.find("FAULT     blob_missing at height 3") != std::string::npos);
  CHECK(verdict.find('\x1b') == std::string::npos);
}

TEST_CASE("audit output: lists inside of a round's parts are written out, whatever their depth") {
  const Json round = {{"open",
                       {{"aggregation",
                         {{"pre",
                           {{{"name", "clip"}, {"parameters", {{"tau", 1.5}}}},
                            {{"name", "nnm"}, {"parameters", {{"f", 1}}}}}},
                          {"aggregator", {{"name", "mean"}, {"parameters", Json::object()}}}}}}}};
  CHECK(table_text(round) ==
        "open.aggregation.pre              2\n"
        "open.aggregation.aggregator.name  mean\n"
        "\nopen.aggregation.pre\n"
        "  name  parameters.tau  parameters.f\n"
        "  clip  1.5             -\n"
        "  nnm   -               1\n");
}
