// CSV files that strangers brought and that failed once: GRADMINT_CASES/csv.
#include <doctest/doctest.h>

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
