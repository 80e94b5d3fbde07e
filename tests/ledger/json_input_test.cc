#include "ledger/json_input.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "tests/cpu_time.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

std::string refusal(const std::string& text) {
  const auto parsed = parse_untrusted_json(text);
  return parsed.ok() ? "accepted" : parsed.error().message;
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

// {"0":value,"1":value,...}
std::string object_of(std::size_t members, const std::string& value) {
  std::string text = "{";
  for (std::size_t i = 0; i < members; ++i)
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":" + value;
  return text + "}";
}

std::string array_of(std::size_t items, const std::string& value) {
  return "[" + value + repeated("," + value, items - 1) + "]";
}

}  // namespace

TEST_CASE("json: what is read is what the library reads") {
  const std::string texts[] = {
      "null",
      "true",
      " [ ] ",
      "{}",
      "-7",
      "18446744073709551615",
      "1.5e3",
      R"("a\u00e4\n\"]}")",
      R"({"b":[1,-2,3.5,{"a":{}},[]],"a":{"b":null,"a":"x"},"":false})",
      R"([{"a":1},{"a":2},{"a":{"a":3}}])",  // the same key, in other objects
      "[[[[[[[[]]]]]]]]",                    // eight deep
  };
  for (const std::string& text : texts) {
    const auto parsed = parse_untrusted_json(text);
    REQUIRE_MESSAGE(parsed.ok(), text);
    CHECK(*parsed == nlohmann::json::parse(text));
    CHECK(parsed->type() == nlohmann::json::parse(text).type());
  }
}

TEST_CASE("json: what is refused, and why") {
  const std::pair<std::string, std::string> table[] = {
      {"", "not JSON (at byte 1)"},
      {"nul", "not JSON (at byte 4)"},
      {"NaN", "not JSON: NaN (at byte 1) is no number there; null is for what was not measured"},
      {"[-Infinity]",
       "not JSON: Infinity (at byte 3) is no number there; null is for what was not measured"},
      {"[Nan]", "not JSON (at byte 2)"},
      {"{}x", "not JSON (at byte 3)"},
      {"[1,]", "not JSON (at byte 4)"},
      {"[1,2", "not JSON (at byte 5)"},
      {R"({"a"})", "not JSON (at byte 5)"},
      {"{\"a\":\"\xff\"}", "not JSON (at byte 7)"},
      {"1e999", "the number 1e999 (at byte 5) is too large"},
      {"/* */ 1", "not JSON (at byte 1)"},
      {R"({"a":1,"a":1})", R"(JSON that has "a" twice in one object)"},
      {R"({"a":1,"b":{},"\u0061":{}})", R"(JSON that has "a" twice in one object)"},
      {R"([{"x":{"\u001b[2J":1,"\u001b[2J":2}}])",
       R"(JSON that has "\u001b[2J" twice in one object)"},
      {"[[[[[[[[[]]]]]]]]]", "JSON nested more than 8 deep"},
      {std::string(1'000'000, '['), "JSON nested more than 8 deep"},
      {repeated("{\"a\":", 1'000'000), "JSON nested more than 8 deep"},
      {array_of(kMaxJsonValues, "0"), "JSON of more than 1048576 values"},
      {array_of(kMaxJsonValues, "[]"), "JSON of more than 1048576 values"},
      {array_of(kMaxJsonValues - 1, "0"), "accepted"},
  };
  for (const auto& [text, says] : table) {
    const std::string beginning = text.substr(0, 80);  // clang 14 captures no binding
    CAPTURE(beginning);
    CHECK(refusal(text) == says);
  }
  const std::string name(5000, 'k');
  CHECK(refusal("{\"" + name + "\":1,\"" + name + "\":1}").size() < 200);
}

TEST_CASE("json: eight times the bytes are about eight times the work") {
  using Text = std::function<std::string(std::size_t)>;
  const std::pair<const char*, Text> kinds[] = {
      {"empty objects in an object", [](std::size_t n) { return object_of(n, "{}"); }},
      {"empty arrays in an object", [](std::size_t n) { return object_of(n, "[]"); }},
      {"empty objects in an array", [](std::size_t n) { return array_of(n, "{}"); }},
      {"full objects in an object",
       [](std::size_t n) { return object_of(n, R"({"a":[1],"b":2})"); }},
      {"numbers in an object", [](std::size_t n) { return object_of(n, "1"); }},
      {"long keys that begin alike",
       [](std::size_t n) {
         std::string text = "{";
         for (std::size_t i = 0; i < n / 8; ++i)
           text += (i == 0 ? "\"" : ",\"") + std::string(500, 'k') + std::to_string(i) + "\":{}";
         return text + "}";
       }},
      {"the last of many twice",
       [](std::size_t n) {
         std::string text = object_of(n, "{}");
         text.back() = ',';
         return text + "\"" + std::to_string(n - 1) + "\":{}}";
       }},
      {"one string", [](std::size_t n) { return "\"" + repeated("\\u00e4", 16 * n) + "\""; }},
      {"one whole number", [](std::size_t n) { return std::string(64 * n, '7'); }},
      {"one fraction", [](std::size_t n) { return "0." + std::string(64 * n, '7'); }},
  };
  for (const auto& [name, text_of] : kinds) {
    const char* kind = name;  // clang 14 captures no binding
    CAPTURE(kind);
    const std::string some = text_of(2048), more = text_of(8 * 2048);
    const double some_s = seconds_of([&] { (void)parse_untrusted_json(some); });
    const double more_s = seconds_of([&] { (void)parse_untrusted_json(more); });
    CAPTURE(some_s);
    CAPTURE(more_s);
    CHECK(is_about_linear(some_s, more_s));
  }
}
