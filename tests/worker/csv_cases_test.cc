// CSV files that strangers brought and that failed once: GRADMINT_CASES/csv.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "tests/support/paths.h"
#include "worker/data/load.h"
#include "worker/data/parse.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {
CsvOptions raw(const std::string& label = "") {
  return {Task::classification, label, {}, CsvScale::none};
}
}  // namespace

TEST_CASE("csv: the inputs that failed when this was tried") {
  const std::filesystem::path cases = cases_dir() / "csv";
  const auto parse = [&](const char* file, const CsvOptions& options) {
    const auto bytes = read_data_file(cases / file);
    REQUIRE_MESSAGE(bytes.ok(), bytes.error().message);
    return parse_csv({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, file, options);
  };
  for (const char* label : {"", "label"}) {
    const auto data = parse("numeric_header.csv", raw(label));
    REQUIRE(data.ok());
    CHECK(data->outputs() == 2);
    CHECK(data->columns() == 2);
    CHECK(data->remarks.at(0).find("row 1 is a header") != std::string::npos);
  }
  CsvOptions named = raw();
  named.classes = {"ill, chronic", "well, chronic"};
  const auto with_comma = parse("label_with_comma.csv", named);
  REQUIRE_MESSAGE(with_comma.ok(), with_comma.error().message);
  CHECK(with_comma->schema.find("age, years, b\"mi") != std::string::npos);
  const auto utf16 = parse("utf16.csv", raw());
  REQUIRE_FALSE(utf16.ok());
  CHECK(utf16.error().message ==
        "utf16.csv: this is UTF-16 text; make UTF-8 of it first: iconv -f UTF-16 -t UTF-8 FILE > "
        "NEW");
}

TEST_CASE("csv: a site is read by the names of the federation's data contract") {
  const std::filesystem::path cases = cases_dir() / "csv";
  const auto load = [&](const char* file, const CsvOptions& options) {
    return load_dataset("csv:" + (cases / file).string(), options, "");
  };
  const auto first = load("site_a.csv", {});
  REQUIRE_MESSAGE(first.ok(), first.error().message);
  CHECK(describe(first->contract) == "classification of dx by age, bmi; classes dead, ill");
  CsvOptions site;
  site.contract = first->contract;
  const auto same = load("site_a.csv", site);
  REQUIRE_MESSAGE(same.ok(), same.error().message);
  CHECK(same->features == first->features);
  CHECK(same->labels == first->labels);

  // Columns in another order: the rows that both have are the same numbers. Its other classes are
  // refused by name.
  const auto swapped = load("site_b_columns_swapped.csv", site);
  REQUIRE_FALSE(swapped.ok());
  CHECK(swapped.error().message.find("label 'well' is no class of the federation's data contract "
                                     "(dead, ill)") != std::string::npos);
  site.contract->classes = {"ill", "well"};
  const auto by_name = load("site_b_columns_swapped.csv", site);
  REQUIRE_MESSAGE(by_name.ok(), by_name.error().message);
  CHECK(by_name->features == first->features);
  const auto other = load("classes_dead_ill.csv", site);
  REQUIRE_FALSE(other.ok());
  CHECK(other.error().message.find("there are no columns 'age', 'bmi'") != std::string::npos);

  const auto dead = load("classes_dead_ill.csv", {});
  REQUIRE(dead.ok());
  site.contract = dead->contract;
  const auto well = load("classes_ill_well.csv", site);
  REQUIRE_FALSE(well.ok());
  CHECK(well.error().message.find("label 'well' is no class") != std::string::npos);

  // Prices keep their unit in the contract alone.
  CsvOptions regression;
  regression.task = Task::regression;
  const auto prices = load("house_prices.csv", regression);
  REQUIRE_MESSAGE(prices.ok(), prices.error().message);
  CHECK(prices->contract.target.mean > 100'000);
  for (const float target : prices->targets) CHECK(std::abs(target) < 10);
}
