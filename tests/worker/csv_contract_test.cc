// A site's table against a federation's data contract.
#include <doctest/doctest.h>

#include <string>

#include "worker/data/parse.h"
#include "worker/data/scaling.h"

using namespace gradmint;

namespace {

Result<Dataset> parse(const std::string& text, const CsvOptions& options) {
  return parse_csv(text, "t.csv", options);
}

DataContract contract_of(const std::string& text, const CsvOptions& options = {}) {
  auto data = parse(text, options);
  REQUIRE_MESSAGE(data.ok(), data.error().message);
  return data->contract;
}

CsvOptions under(DataContract contract) {
  CsvOptions options;
  options.contract = std::move(contract);
  return options;
}

const std::string kOperator = "age,bmi,state\n10,1.5,ill\n20,2.5,well\n30,3.5,ill\n";

}  // namespace

TEST_CASE("csv contract: taken from the operator's sample") {
  const DataContract contract = contract_of(kOperator);
  REQUIRE(contract.columns.size() == 2);
  CHECK(contract.columns[0].type == ColumnType::integer);
  CHECK(contract.columns[1].type == ColumnType::number);
  CHECK(contract.columns[0].scaler.mean == 20);
  CHECK(contract.columns[0].scaler.scale == doctest::Approx(8.164966));
  CHECK(contract.label == "state");
  CHECK(contract.classes == std::vector<std::string>{"ill", "well"});
  CHECK(DataContract::decode(contract.encode()).ok());
  // Not scaled is a contract too.
  CsvOptions raw;
  raw.scale = CsvScale::none;
  CHECK(contract_of(kOperator, raw).columns[0].scaler == Scaler{});
}

TEST_CASE("csv contract: one row means at every site what it means in the operator's file") {
  const CsvOptions site = under(contract_of(kOperator));
  const auto whole = parse(kOperator, site);
  REQUIRE(whole.ok());
  for (const char* text : {"age,bmi,state\n20,2.5,well\n", "state,bmi,age\nwell,2.5,20\n",
                           "bmi,state,age\n2.5,well,20\n"}) {
    CAPTURE(text);
    const auto one = parse(text, site);
    REQUIRE_MESSAGE(one.ok(), one.error().message);
    CHECK(one->features == std::vector<float>{whole->features[2], whole->features[3]});
    CHECK(one->labels == std::vector<std::int32_t>{1});
    CHECK((one->contract == *site.contract));
  }
}

TEST_CASE("csv contract: what a site lacks or has too much is named, with what to do") {
  struct Case {
    const char *what, *text, *says;
  };
  const Case cases[] = {
      {"a column lacks", "age,state\n1,ill\n", "there is no column 'bmi', which the federation's"},
      {"another name", "age,BMI,state\n1,2,ill\n", "this file's are age, BMI, state; rename"},
      {"one too many", "age,bmi,sex,state\n1,2,0,ill\n", "leave it out with --drop sex"},
      {"one too many, to be quoted", "age,bmi,\"a, b\",state\n1,2,0,ill\n",
       "leave it out with --drop '\"a, b\"'"},
      {"several too many", "id,age,bmi,\"a, b\",state\n1,1,2,0,ill\n",
       "columns 'id', 'a, b' are not in the federation's data contract (age, bmi): leave them out "
       "with --drop '\"id\",\"a, b\"'"},
      {"several lack", "BMI,Age,state\n1,2,ill\n",
       "there are no columns 'age', 'bmi', which the federation's data contract has (age, bmi): "
       "this file's are BMI, Age, state; rename or add them"},
      {"other classes", "age,bmi,state\n1,2,ill\n1,2,dead\n1,2,gone\n1,2,dead\n1,2,away\n",
       "row 3: label 'dead' is no class of the federation's data contract (ill, well), nor are "
       "'gone', 'away': use its names"},
      {"two labels", "age,bmi,state,state\n1,2,ill,ill\n", "two columns are called 'state'"},
      {"twice", "age,bmi,age,state\n1,2,3,ill\n", "two columns are called 'age'"},
      {"the label lacks", "age,bmi,status\n1,2,ill\n", "name yours with --label"},
      {"another class", "age,bmi,state\n1,2,dead\n", "row 2: label 'dead' is no class of the"},
      {"no header", "1,2,ill\n2,3,well\n", "row 1 is taken for data: --header yes"},
      {"beyond fp32", "age,bmi,state\n3e38,1,ill\n1,-3.4e38,ill\n", "leaves fp32's range"},
  };
  DataContract contract = contract_of(kOperator);
  contract.columns[1].scaler.scale = 0.5F;
  for (const Case& each : cases) {
    CAPTURE(each.what);
    const auto data = parse(each.text, under(contract));
    REQUIRE_FALSE(data.ok());
    CAPTURE(data.error().message);
    CHECK(data.error().code == ErrorCode::bad_input);
    CHECK(data.error().message.starts_with("t.csv: "));
    CHECK(data.error().message.find(each.says) != std::string::npos);
  }
}

TEST_CASE("csv contract: a label of another name, dropped columns, rows without answers") {
  CsvOptions site = under(contract_of(kOperator));
  site.label = "outcome";
  site.drop = {"id", "sex"};
  const auto data = parse("id,age,sex,bmi,outcome\n7,20,0,2.5,well\n", site);
  REQUIRE_MESSAGE(data.ok(), data.error().message);
  CHECK(data->columns() == 2);
  site.drop.push_back("name");
  CHECK(parse("id,age,sex,bmi,outcome\n7,20,0,2.5,well\n", site).error().message ==
        "t.csv: there is no column 'name' to drop");
  site.drop = {"outcome"};
  CHECK(parse("age,bmi,outcome\n20,2.5,well\n", site).error().message ==
        "t.csv: the label 'outcome' cannot be dropped");

  CsvOptions open = under(contract_of(kOperator));
  open.label_may_lack = true;
  const auto unanswered = parse("bmi,age\n2.5,20\n1.5,10\n", open);
  REQUIRE_MESSAGE(unanswered.ok(), unanswered.error().message);
  CHECK_FALSE(unanswered->is_labelled);
  CHECK(unanswered->rows() == 2);
  CHECK(unanswered->outputs() == 2);
  CHECK(parse("bmi,age,state\n2.5,20,well\n", open)->is_labelled);
}

TEST_CASE("csv contract: rows to predict need no answer, of which some may lack") {
  CsvOptions open = under(contract_of("x,l\n1,a\n2,b\n"));
  open.label_may_lack = true;
  for (const char* text : {"x\n1\n", "x,l\n1,\n", "x,l\n1,a\n2,\n", "l,x\n?,1\n"}) {
    CAPTURE(text);
    const auto data = parse(text, open);
    REQUIRE_MESSAGE(data.ok(), data.error().message);
    CHECK_FALSE(data->is_labelled);
    CHECK(data->rows() >= 1);
  }
  open.drop = {"l"};
  CHECK_FALSE(parse("x,l\n1,other\n", open)->is_labelled);
  open.drop.clear();
  CHECK_FALSE(parse("x,l\n1,other\n", open).ok());
}

TEST_CASE("csv contract: what its maker should see is remarked") {
  const auto remarks = [](const std::string& text) {
    const auto data = parse(text, {});
    REQUIRE_MESSAGE(data.ok(), data.error().message);
    std::string all;
    for (const std::string& line : data->remarks) all += line + "\n";
    return all;
  };
  CHECK(remarks("x,c,l\n1700000000,2,a\n1700000001,3,b\n").find("column 'x' has one value") !=
        std::string::npos);
  CHECK(remarks("x,c,l\n1,2,a\n1,3,b\n").find("column 'c'") == std::string::npos);
  CHECK(remarks("x,l\n1,1\n2,1.0\n3,2\n").find("classes '1' and '1.0' are the same number") !=
        std::string::npos);
  CHECK(parse("x,l\n1e-50,a\n-1e-50,b\n", {}).ok());  // nothing, in fp32
  CHECK_FALSE(parse("x,l\n1e50,a\n1,b\n", {}).ok());
}

TEST_CASE("csv contract: files without a header agree by place") {
  const DataContract contract = contract_of("1,2,ill\n3,4,well\n");
  CHECK(contract.columns[1].name == "column 1");
  CHECK(parse("1,2,ill\n", under(contract)).ok());
  CHECK_FALSE(parse("1,2,3,ill\n", under(contract)).ok());
  // Names that are numbers: all of them must be there.
  CsvOptions years;
  years.header = CsvHeader::yes;
  const DataContract named = contract_of("2019,2020,label\n1,2,a\n3,4,b\n", years);
  CHECK(named.columns[0].name == "2019");
  CHECK(parse("2020,2019,label\n1,2,a\n", under(named)).ok());
}

TEST_CASE("csv contract: a column in another unit is remarked, and so is a class that lacks") {
  std::string text = "age,bmi,state\n";
  for (int i = 0; i < 40; ++i)
    text += std::to_string(600 + i) + "," + std::to_string(i % 5) + ".5,ill\n";
  const auto data = parse(text, under(contract_of(kOperator)));
  REQUIRE(data.ok());
  REQUIRE(data->remarks.size() == 3);
  CHECK(data->remarks[1] ==
        "t.csv: no row of class well, which the federation's data contract has");
  CHECK(data->remarks[2].find("column 'age' is far from the contract's: mean 619.5") !=
        std::string::npos);
}

TEST_CASE("scaling: two operations in fp32, and back") {
  const float values[] = {1, 10, 3, 30, 5, 50};
  const Scaler scaler = scaler_of(values, 1, 2);
  CHECK(scaler.mean == 30);
  CHECK(scaler.scale == doctest::Approx(16.32993));
  CHECK(scaler.apply(30) == 0);
  CHECK(scaler.undo(scaler.apply(50)) == doctest::Approx(50));
  const float same[] = {7, 7};
  CHECK(scaler_of(same, 0, 1) == Scaler{7, 1});
  CHECK(scaler_of({}, 0, 1) == Scaler{});
}

TEST_CASE("csv contract: a fraction where the contract has whole numbers is remarked on once") {
  const CsvOptions site = under(contract_of(kOperator));
  const auto data = parse("age,bmi,state\n10,1.5,ill\n20.5,2,well\n30.25,3,ill\n", site);
  REQUIRE(data.ok());
  std::size_t told = 0;
  for (const std::string& remark : data->remarks)
    told += remark.rfind("t.csv: row 3 has 20.5 in column 'age', which has whole numbers", 0) == 0;
  CHECK(told == 1);
  const auto whole = parse(kOperator, site);
  for (const std::string& remark : whole->remarks)
    CHECK(remark.find("whole numbers") == std::string::npos);
}
