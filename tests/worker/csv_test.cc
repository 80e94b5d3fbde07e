#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "worker/data/parse.h"

using namespace gradmint;

namespace {
CsvOptions raw(Task task = Task::classification, const std::string& label = "") {
  return {task, label, {}, CsvScale::none};
}
}  // namespace

TEST_CASE("csv: header or none, label by name, index or last, quotes, CRLF, BOM, blank lines") {
  struct Row {
    const char* text;
    const char* label;
    std::vector<float> features;
    std::vector<std::int32_t> labels;
    std::vector<std::string> classes;
  };
  const std::vector<Row> table = {
      {"1,2,a\n3,4,b\n", "", {1, 2, 3, 4}, {0, 1}, {"a", "b"}},
      {"x,y,kind\n1,2,b\n3,4,a\n", "", {1, 2, 3, 4}, {1, 0}, {"a", "b"}},
      {"kind,x\nb,1\na,2", "kind", {1, 2}, {1, 0}, {"a", "b"}},
      {"b,1\na,2\n", "0", {1, 2}, {1, 0}, {"a", "b"}},
      {"\xEF\xBB\xBFx,k\r\n+1.5,\"p, q\"\r\n\r\n -2e1 ,r\r\n",
       "",
       {1.5F, -20},
       {0, 1},
       {"p, q", "r"}},
      {"1,10\n2,9\n", "", {1, 2}, {1, 0}, {"9", "10"}},
      {"\"a \"\"b\"\"\", \"k\" \n1,\"\"\"\"\n2, x\n", "k", {1, 2}, {0, 1}, {"\"", "x"}},
  };
  for (const Row& row : table) {
    const auto data = parse_csv(row.text, "t.csv", raw(Task::classification, row.label));
    REQUIRE_MESSAGE(data.ok(), data.error().message);
    CHECK(data->features == row.features);
    CHECK(data->labels == row.labels);
    CHECK(data->classes == row.classes);
  }
}

TEST_CASE("csv: whether the first row is a header, and why") {
  struct Row {
    const char* text;
    const char* label;
    CsvHeader asked;
    std::uint64_t rows;
    const char* reason;
  };
  const CsvHeader decide = CsvHeader::decide;
  const Row table[] = {
      {"x,y,k\n1,2,a\n3,4,b\n", "", decide, 2, "row 1 is a header: 'x' stands above a number"},
      {"0,1,label\n1,2,5\n3,4,6\n", "", decide, 2, "header: 'label' stands above a number"},
      {"0,1,label\n1,2,a\n3,4,b\n", "label", decide, 2, "the label's column 'label' is named"},
      {"2019,2020,k\n1,2,a\n3,4,b\n", "k", decide, 2, "the label's column 'k' is named"},
      {"2019,2020,k\n1,2,a\n3,4,b\n", "", decide, 3, "row 1 is data: no text in it"},
      {"2019,2020,k\n1,2,a\n3,4,b\n", "2", CsvHeader::yes, 2, "header, as asked for"},
      {"2,0,1\n1,2,5\n3,4,6\n", "2", decide, 3, "row 1 is data"},  // an index, not a name
      {"1,2,a\n3,4,b\n", "", decide, 2, "row 1 is data: no text in it"},
      {"\n1,NA,a\n3,4,b\n", "", CsvHeader::no, 0, "row 2: column 1 (column 1): 'NA'"},
      {"1,NA,a\n3,4,b\n", "", decide, 0, "row 1: column 1 (column 1): 'NA'"},
      {"x,y,k\n1,2,a\n3,4,b\n", "", CsvHeader::no, 0, "row 1: column 0 (column 0): 'x'"},
      {"1,2,a\n3,4,b\n", "", CsvHeader::yes, 0, "1 classes in column 'a'"},
  };
  for (const Row& row : table) {
    CAPTURE(row.text);
    CsvOptions options = raw(Task::classification, row.label);
    options.header = row.asked;
    const auto data = parse_csv(row.text, "t.csv", options);
    const std::string said = data.ok() ? data->remarks.at(0) : data.error().message;
    CHECK((data.ok() ? data->rows() : 0) == row.rows);
    CHECK_MESSAGE(said.find(row.reason) != std::string::npos, said);
  }
}

TEST_CASE("csv: many numbers taken for classes are remarked on, unless that was asked for") {
  std::string text = "x,price\n";
  for (int i = 0; i < 21; ++i) text += "1," + std::to_string(1000 + i) + "\n";
  CsvOptions options = raw();
  CHECK(parse_csv(text, "t.csv", options)->remarks.size() == 1);
  options.suggest_regression = true;
  const auto data = parse_csv(text, "t.csv", options);
  REQUIRE(data->remarks.size() == 2);
  CHECK(data->remarks[1] ==
        "t.csv: the numbers in column 'price' are taken for 21 classes; --task regression predicts "
        "them as numbers");
  text.resize(text.rfind("1,"));  // twenty are not many
  CHECK(parse_csv(text, "t.csv", options)->remarks.size() == 1);
}

TEST_CASE("csv: regression targets, given classes, standard scale") {
  const auto data = parse_csv("a,b,t\n1,5,0.5\n3,5,1.5\n", "t.csv",
                              {Task::regression, "t", {}, CsvScale::standard});
  REQUIRE(data.ok());
  CHECK(data->targets == std::vector<float>{-1, 1});
  CHECK(data->contract.target == Scaler{1, 0.5F});
  CHECK(data->features == std::vector<float>{-1, 0, 1, 0});  // a constant column becomes 0
  CHECK(data->schema == "regression of t by a, b (2 columns)");
  const auto given =
      parse_csv("1,b\n", "t.csv", {Task::classification, "", {"a", "b", "c"}, CsvScale::none});
  REQUIRE(given.ok());
  CHECK(given->labels == std::vector<std::int32_t>{1});
  CHECK(given->outputs() == 3);
}

TEST_CASE("csv: refusals name file, row and column") {
  struct Row {
    std::string text;
    CsvOptions options;
    const char* says;
  };
  const std::vector<Row> table = {
      {"", raw(), "t.csv: the file is empty"},
      {"\n\n", raw(), "t.csv: the file is empty"},
      {"a,b\n", raw(), "a header, but no rows"},
      {"a\n1\n", raw(), "one column only"},
      {"a;b;label\n1;2;x\n", raw(), "(its fields look separated by semicolons: write commas)"},
      {"a\tb\n1\t2\n", raw(), "(its fields look separated by tabs: write commas)"},
      {"a,b\n1,caf\xe9\n", raw(), "row 2: the byte 0xe9 is no UTF-8; make UTF-8 of the file"},
      {std::string("a,b\n1,x\n1\0,y\n", 13), raw(), "row 3: a zero byte"},
      {"a,b\r1,x\r2,y\r", raw(), "its lines end in carriage returns alone"},
      {"1,2,a\n3,b\n", raw(), "row 2: 2 columns, expected 3"},
      {"1,2,a\n\n3,4,5,b\n", raw(), "row 3: 4 columns, expected 3"},
      {"x,y,k\n1,oops,a\n", raw(), "row 2: column 1 (y): 'oops' is not a finite number"},
      {"1,nan,a\n", raw(), "row 1: column 1 (column 1): 'nan'"},
      {"a,b,y\n1,2,k\n3,4,\n", raw(), "row 3: column 'y' is empty: name the class"},
      {"1,inf,a\n", raw(), "'inf' is not a finite number"},
      {"1,1e99,a\n", raw(), "'1e99' is not a finite number"},
      {"1,,a\n", raw(), "column 1 (column 1): '' is not"},
      {"1,2\x01,a\n", raw(), "'2 ' is not"},
      {"1,gr\xc3\xb6\xc3\x9f"
       "e,a\n",
       raw(),
       "'gr\xc3\xb6\xc3\x9f"
       "e' is not"},
      {"1,\"2,a\n", raw(), "row 1: a quoted field has no closing quote"},
      {"1,2,a\n1,2,a\n", raw(), "1 classes in column"},
      {"1,2,a\n", raw(Task::classification, "nope"), "no column 'nope' among its 3"},
      {"1,2,a\n", raw(Task::classification, "3"), "no column '3'"},
      {"1,2,a\n", raw(Task::regression), "row 1: column 2 (column 2): target 'a'"},
      {"1,2,z\n", {Task::classification, "", {"a", "b"}, CsvScale::none}, "row 1: label 'z'"},
  };
  for (const Row& row : table) {
    const auto data = parse_csv(row.text, "t.csv", row.options);
    REQUIRE_MESSAGE(!data.ok(), row.says);
    CHECK_MESSAGE(data.error().message.find(row.says) != std::string::npos, data.error().message);
    CHECK(data.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("digits: pixels to 0..1, and what is no digit is refused") {
  std::string line;
  for (int i = 0; i < 64; ++i) line += std::to_string(i % 17) + ",";
  const auto data = parse_digits(line + "3\n" + line + "9\n", "d.csv");
  REQUIRE(data.ok());
  CHECK(data->rows() == 2);
  CHECK(data->features[16] == 1.0F);
  CHECK(data->labels == std::vector<std::int32_t>{3, 9});
  CHECK(data->sample_shape == std::vector<std::uint64_t>{1, 8, 8});
  struct Row {
    std::string text;
    const char* says;
  };
  const std::vector<Row> table = {
      {line + "10\n", "row 1: column 64"},
      {line + "2.5\n", "row 1: column 64"},
      {line + "3\n17" + line.substr(1) + "3\n", "row 2: column 0"},
      {"1,2,3\n", "64 pixels and a label"},
      {"", "empty"},
      {line + "3\n" + line.substr(0, 20), "row 2"},
  };
  for (const Row& row : table) {
    const auto bad = parse_digits(row.text, "d.csv");
    REQUIRE_MESSAGE(!bad.ok(), row.says);
    CHECK_MESSAGE(bad.error().message.find(row.says) != std::string::npos, bad.error().message);
  }
}
