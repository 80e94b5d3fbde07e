// What every sink does with a text of another party, and with JSON that holds one.
#include "kernels/base/printable.h"

#include <doctest/doctest.h>

#include "ledger/json_text.h"

using namespace gradmint;
using nlohmann::json;

TEST_CASE("a text of another party on one line") {
  const struct {
    const char* what;
    std::string text, shown;
  } rows[] = {
      {"plain", "St. Mary's, ward 3", "St. Mary's, ward 3"},
      {"other scripts", "Üniversität 東京 Ελλάδα 😀", "Üniversität 東京 Ελλάδα 😀"},
      {"a joiner that scripts and emoji need", "क्\u200dष", "क्\u200dष"},
      {"nothing", "", ""},
      {"escape sequence", "\x1b[2Jgone", "\\x1b[2Jgone"},
      {"title of the window", "\x1b]0;owned\x07", "\\x1b]0;owned\\x07"},
      {"a line of its own", "a\nwarning: b\r\n", "a\\x0awarning: b\\x0d\\x0a"},
      {"a tab is a blank", "a\tb", "a b"},
      {"zero and delete", std::string("a\0b\x7f", 4), "a\\x00b\\x7f"},
      {"C1: a terminal takes it for ESC [", "\u009b31m", "\\u009b31m"},
      {"reversed", "abc\u202etxt.exe", "abc\\u202etxt.exe"},
      {"isolates and marks", "\u2066\u2069\u200e\u200f\u061c",
       "\\u2066\\u2069\\u200e\\u200f\\u061c"},
      {"separators", "a\u2028b\u2029", "a\\u2028b\\u2029"},
      {"unseen", "a\u200b\ufeff", "a\\u200b\\ufeff"},
      {"tag characters", "a\U000e0041", "a\\u{e0041}"},
      {"noncharacters", "\uffff\U0001fffe", "\\uffff\\u{1fffe}"},
      {"not UTF-8", "\xff\xfe", "\\xff\\xfe"},
      {"a lone continuation", "a\x80z", "a\\x80z"},
      {"overlong slash", "\xc0\xaf", "\\xc0\\xaf"},
      {"overlong, three bytes", "\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      {"a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"beyond Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"half a character at the end", "a\xe2\x98", "a\\xe2\\x98"},
      {"half a character before another",
       "\xe2\x98"
       "a",
       "\\xe2\\x98"
       "a"},
      {"what looks like ours stays", "\\x1b \\u202e", "\\x1b \\u202e"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    CHECK(printable(row.text) == row.shown);
    CHECK(printable(printable(row.text)) == row.shown);
  }
}

TEST_CASE("every byte and every pair of bytes: nothing that a terminal obeys comes out") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second), 'z'};
      const std::string shown = printable(text);
      for (const char c : shown) REQUIRE((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
      REQUIRE(shown.back() == 'z');
      REQUIRE(shown.find("\xc2\x9b") == std::string::npos);
      REQUIRE_FALSE(json::parse(json_text(json{{"name", text}}), nullptr, false).is_discarded());
    }
  }
}

TEST_CASE("JSON never throws, never commands a terminal, and reads back the same") {
  for (const std::string text : {"plain", "a\nb\t\"\\", "\x1b[2J", "\u009b31m", "abc\u202e",
                                 "\u2028", "\x7f", "a\U000e0041", "\ufeff", "東京 😀"}) {
    CAPTURE(text);
    const json value = {{"name", text}, {text, 1}};
    for (const int indent : {-1, 2}) {
      const std::string out = json_text(value, indent);
      CHECK(json::parse(out) == value);
      for (const char c : out) {
        const bool layout = indent > 0 && c == '\n';
        CHECK((layout || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)));
      }
      CHECK(out.find("\xc2\x9b") == std::string::npos);
      CHECK(out.find("\u202e") == std::string::npos);
    }
  }
  CHECK(json_text(json{{"name", "\xff\xfe"}}) == "{\"name\":\"\ufffd\ufffd\"}");
  CHECK(json_text(json{{"\xff", 1}}) == "{\"\ufffd\":1}");
  CHECK(json_text(nlohmann::ordered_json{{"b", 1}, {"a", {2}}}, 2) ==
        "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}");
}
