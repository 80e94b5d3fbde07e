// What data mean, as a genesis says it: one text for one contract, and nothing that cannot be.
#include "ledger/model/data_contract.h"

#include <doctest/doctest.h>

#include <string>

using namespace gradmint;

namespace {

DataContract table() {
  DataContract contract;
  contract.classes = {"dead", "ill"};
  contract.columns = {{"age", ColumnType::integer, {54.5F, 0.1F}}, {"bmi", {}, {}}};
  contract.label = "state";
  return contract;
}

DataContract prices() {
  DataContract contract = table();
  contract.task = "regression";
  contract.classes.clear();
  contract.target = {250'000, 1e-6F};
  return contract;
}

DataContract image() {
  DataContract contract;
  contract.kind = DataKind::image;
  contract.classes = {"cat", "dog, other"};
  contract.shape = {3, 32, 32};
  contract.low = -1;
  return contract;
}

}  // namespace

TEST_CASE("data contract: its text is the published one, and reads back") {
  struct Case {
    DataContract contract;
    std::string text;
  };
  const Case cases[] = {
      {table(), R"({"classes":["dead","ill"],"columns":[{"mean":"54.5","name":"age","scale":"0.1",)"
                R"("type":"integer"},{"mean":"0","name":"bmi","scale":"1","type":"number"}],)"
                R"("format":"gradmint/data-contract/v1","kind":"table","label":"state",)"
                R"("task":"classification"})"},
      {prices(), R"({"columns":[{"mean":"54.5","name":"age","scale":"0.1","type":"integer"},)"
                 R"({"mean":"0","name":"bmi","scale":"1","type":"number"}],)"
                 R"("format":"gradmint/data-contract/v1","kind":"table","label":"state",)"
                 R"("target":{"mean":"250000","scale":"1e-06"},"task":"regression"})"},
      {without_scaler(table()),
       R"({"classes":["dead","ill"],"columns":[{"name":"age","type":"integer"},)"
       R"({"name":"bmi","type":"number"}],"format":"gradmint/data-contract/v1","kind":"table",)"
       R"("label":"state","scaler":"sites","task":"classification"})"},
      {without_scaler(prices()),
       R"({"columns":[{"name":"age","type":"integer"},{"name":"bmi","type":"number"}],)"
       R"("format":"gradmint/data-contract/v1","kind":"table","label":"state",)"
       R"("scaler":"sites","task":"regression"})"},
      {image(),
       R"({"classes":["cat","dog, other"],"format":"gradmint/data-contract/v1","high":"1",)"
       R"("kind":"image","low":"-1","shape":[3,32,32],"task":"classification"})"},
  };
  for (const Case& each : cases) {
    CHECK(each.contract.fault() == "");
    CHECK(each.contract.encode() == each.text);
    const auto back = DataContract::decode(each.text);
    REQUIRE_MESSAGE(back.ok(), back.error().message);
    CHECK((*back == each.contract));
    // Any byte changed gives another contract, or none: never the same from two texts.
    for (std::size_t at = 0; at < each.text.size(); ++at) {
      std::string other = each.text;
      other[at] = static_cast<char>(other[at] ^ 1);
      const auto read = DataContract::decode(other);
      if (read.ok()) CHECK(read->encode() == other);
      CHECK_FALSE(DataContract::decode(each.text.substr(0, at)).ok());
    }
    CHECK_FALSE(DataContract::decode(each.text + " ").ok());
  }
}

TEST_CASE("data contract: what it may not be is said in one line") {
  struct Case {
    DataContract contract;
    std::string says;
  };
  const auto changed = [](DataContract contract, const auto& change) {
    change(contract);
    return contract;
  };
  using C = DataContract;
  const Case cases[] = {
      {changed(table(), [](C& c) { c.task = "guess"; }), "classification or regression"},
      {changed(table(), [](C& c) { c.classes = {"one"}; }), "2 to 1000 classes"},
      {changed(table(),
               [](C& c) {
                 c.classes = {"a", "a"};
               }),
       "'a' is there twice"},
      {changed(table(), [](C& c) { c.classes[0] = ""; }), "a class is empty"},
      {changed(table(), [](C& c) { c.columns.clear(); }), "1 to 32768 columns"},
      {changed(table(), [](C& c) { c.columns[1].name = "age"; }), "'age' is there twice"},
      {changed(table(), [](C& c) { c.label = "bmi"; }), "'bmi' is there twice"},
      {changed(table(), [](C& c) { c.columns[0].name = "a\x1b"; }), "UTF-8"},
      {changed(table(), [](C& c) { c.columns[1].scaler.scale = 0; }), "column 'bmi'"},
      {changed(table(), [](C& c) { c.columns[1].scaler.scale = -1; }), "column 'bmi'"},
      {changed(table(), [](C& c) { c.target.mean = 1; }), "not scaled"},
      {changed(table(),
               [](C& c) {
                 c.shape = {1, 2, 3};
               }),
       "no shape"},
      {changed(prices(),
               [](C& c) {
                 c.classes = {"a", "b"};
               }),
       "no classes"},
      {changed(prices(), [](C& c) { c.target.scale = 0; }), "the target"},
      {changed(image(),
               [](C& c) {
                 c.shape = {3, 32};
               }),
       "channels, height and width"},
      {changed(image(),
               [](C& c) {
                 c.shape = {1ULL << 20, 1ULL << 20, 2};
               }),
       "too large"},
      {changed(image(), [](C& c) { c.low = 1; }), "the smaller one first"},
      {changed(image(), [](C& c) { c.label = "x"; }), "no columns"},
      {changed(image(), [](C& c) { c.scaler_from = ScalerFrom::sites; }), "no columns"},
      {changed(table(), [](C& c) { c.scaler_from = ScalerFrom::sites; }),
       "no means and scales of its own"},
      {changed(without_scaler(prices()), [](C& c) { c.target.mean = 1; }),
       "no means and scales of its own"},
      {changed(without_scaler(table()),
               [](C& c) {
                 for (int i = 0; i < 4095; ++i)
                   c.columns.push_back({"c" + std::to_string(i), {}, {}});
               }),
       "4096 columns at most, it has 4097"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.says);
    CHECK(each.contract.fault().find(each.says) != std::string::npos);
    // What its kind and task have no words for is not in its text.
    const auto read = DataContract::decode(each.contract.encode());
    if (read.ok()) CHECK_FALSE((*read == each.contract));
  }
}

TEST_CASE("data contract: where the scaler comes from is said in one way") {
  const std::string text = without_scaler(table()).encode();
  CHECK(summed_columns(table()) == 0);
  CHECK(summed_columns(without_scaler(table())) == 2);
  CHECK(summed_columns(without_scaler(prices())) == 3);
  CHECK(describe(without_scaler(table())).ends_with("; scaler from the sites"));
  CHECK_FALSE(own_unit_error(without_scaler(prices()), 1.0).has_value());
  const struct {
    const char *from, *to, *says;
  } cases[] = {
      {R"("scaler":"sites")", R"("scaler":"sample")", "its scaler is \"sites\", or left out"},
      {R"("scaler":"sites")", R"("scaler":1)", "its scaler is \"sites\", or left out"},
      {R"({"name":"age")", R"({"mean":"1","name":"age")", "leave mean and scale out"},
      {R"("scaler":"sites")", R"("scaler":"sites","target":{"mean":"0","scale":"1"})",
       "'target' is none of its members"},
      {R"("scaler":"sites",)", "", "a column needs name, type (number or integer), mean and scale"},
  };
  for (const auto& each : cases) {
    std::string changed = text;
    const auto at = changed.find(each.from);
    REQUIRE(at != std::string::npos);
    changed.replace(at, std::string(each.from).size(), each.to);
    const auto read = DataContract::parse(changed);
    REQUIRE_FALSE(read.ok());
    CAPTURE(read.error().message);
    CHECK(read.error().message.find(each.says) != std::string::npos);
  }
}

TEST_CASE("data contract: one that a person wrote may have any form") {
  const auto written = DataContract::parse(R"({
    "format": "gradmint/data-contract/v1", "kind": "table", "task": "classification",
    "label": "state", "classes": ["dead", "ill"],
    "columns": [{"name": "age", "type": "integer", "mean": "54.50", "scale": "1e-1"},
                {"name": "bmi", "type": "number", "mean": "0", "scale": "1"}]
  }
)");
  REQUIRE_MESSAGE(written.ok(), written.error().message);
  CHECK((*written == table()));
  std::string text = table().encode();
  text.insert(1, R"("note":"x",)");
  CHECK(DataContract::parse(text).error().message ==
        "data contract: 'note' is none of its members for this task");
}

TEST_CASE("data contract: numbers are texts, and only the shortest") {
  const std::string text = table().encode();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const auto at = changed.find(from);
    REQUIRE(at != std::string::npos);
    return changed.replace(at, from.size(), to);
  };
  for (const char* number :
       {"\"54.50\"", "\"5.45e1\"", "\" 54.5\"", "\"nan\"", "\"inf\"", "54.5", "\"\"", "\"1e99\""}) {
    CAPTURE(number);
    const auto read = DataContract::decode(with("\"54.5\"", number));
    CHECK_FALSE(read.ok());
  }
  CHECK_FALSE(DataContract::decode(with("integer", "text")).ok());
  CHECK_FALSE(DataContract::decode(with("contract/v1", "contract/v2")).ok());
  CHECK_FALSE(DataContract::decode(with("\"table\"", "\"stream\"")).ok());
  CHECK(describe(table()) == "classification of state by age, bmi; classes dead, ill");
  CHECK(describe(image()) == "images of 3x32x32, -1 to 1; classes cat, \"dog, other\"");
}
