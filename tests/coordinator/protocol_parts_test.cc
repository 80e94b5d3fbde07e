// The small pure parts: addresses, invitations, rates, windows, text, and the reading of a link's
// events.
#include <doctest/doctest.h>

#include <random>

#include "coordinator/protocol/curve.h"
#include "coordinator/protocol/endpoint.h"
#include "coordinator/protocol/invitation.h"
#include "coordinator/protocol/limits.h"
#include "coordinator/protocol/link_watch.h"
#include "coordinator/protocol/rate_limit.h"
#include "coordinator/protocol/transfer_window.h"
#include "kernels/base/text.h"
#include "tests/coordinator/protocol_samples.h"

using namespace gradmint;

TEST_CASE("tcp addresses") {
  struct Row {
    const char* text;
    const char* host;  // empty: refused
    std::uint16_t port;
  };
  const Row rows[] = {
      {"tcp://127.0.0.1:7700", "127.0.0.1", 7700},
      {"tcp://*:0", "*", 0},
      {"tcp://[::1]:65535", "[::1]", 65535},
      {"tcp://box-1.example.org:1", "box-1.example.org", 1},
      {"", "", 0},
      {"127.0.0.1:7700", "", 0},
      {"ipc:///tmp/x", "", 0},
      {"tcp://127.0.0.1", "", 0},
      {"tcp://127.0.0.1:", "", 0},
      {"tcp://127.0.0.1:65536", "", 0},
      {"tcp://127.0.0.1:-1", "", 0},
      {"tcp://127.0.0.1:77x", "", 0},
      {"tcp://:7700", "", 0},
      {"tcp://a b:7700", "", 0},
      {"tcp://a;tcp://b:7700", "", 0},
      {"tcp://[::1:7700", "", 0},
      {"tcp://[]:7700", "", 0},
  };
  for (const Row& row : rows) {
    const Result<TcpEndpoint> parsed = parse_tcp_endpoint(row.text);
    CHECK_MESSAGE(parsed.ok() == (row.host[0] != '\0'), row.text);
    if (parsed) CHECK(parsed.value() == TcpEndpoint{row.host, row.port});
    if (parsed) CHECK(to_string(parsed.value()) == row.text);
  }
  CHECK(resolve_work_endpoint("tcp://*:7701", "tcp://box:7700").value() == "tcp://box:7701");
  CHECK(resolve_work_endpoint("tcp://0.0.0.0:1", "tcp://[::1]:7700").value() == "tcp://[::1]:1");
  CHECK(resolve_work_endpoint("tcp://other:7701", "tcp://box:7700").value() == "tcp://other:7701");
  CHECK_FALSE(resolve_work_endpoint("tcp://*:0", "tcp://box:7700").ok());
  CHECK_FALSE(resolve_work_endpoint("nonsense", "tcp://box:7700").ok());
}

namespace {

Invitation sample_invitation() {
  return {"tcp://box.example.org:7700",
          hash_filled(1),
          hash_filled(50),
          {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
}

}  // namespace

TEST_CASE("an invitation survives print, paste and upper case") {
  const std::string word = format_invitation(sample_invitation()).value();
  CHECK(word ==
        "gminv1aebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4qdemzugu3doobzhi5typj6h5aecq"
        "sdircumr2ijffewtcnjzhvauibaibqibiga4eascqlbqgq4dyqdj2gg4b2f4xwe33yfzsxqylnobwgkltpoj"
        "ttunzxgaykwt62ry");
  for (const std::string& text : {word, "  " + word + "\n", [&] {
                                    std::string upper = word;
                                    for (char& c : upper) c = static_cast<char>(std::toupper(c));
                                    return upper;
                                  }()}) {
    const Result<Invitation> parsed = parse_invitation(text);
    REQUIRE(parsed.ok());
    CHECK(parsed.value() == sample_invitation());
  }
}

TEST_CASE("a damaged invitation is refused in one line") {
  const std::string word = format_invitation(sample_invitation()).value();
  for (std::size_t i = 0; i < word.size(); ++i) {
    std::string changed = word;
    changed[i] = changed[i] == 'q' ? 'r' : 'q';
    CHECK_FALSE(parse_invitation(changed).ok());
    CHECK_FALSE(parse_invitation(word.substr(0, i)).ok());
  }
  struct Row {
    std::string text;
    const char* expected;
  };
  const Row rows[] = {
      {"",
       "invitation: it should be one word that begins with gminv1, as printed by `gradmint "
       "coordinator "
       "invite`"},
      {"gminv2" + word.substr(6),
       "invitation: it is of another version than this program reads (gminv1): update gradmint"},
      {word.substr(0, word.size() - 8),
       "invitation: mistyped or cut short (its checksum does not match): copy it again, whole"},
      {word + "!", "invitation: mistyped or cut short: copy it again, whole"},
      {std::string(5000, 'a'), "invitation: too long to be one"},
  };
  for (const Row& row : rows) CHECK(parse_invitation(row.text).error().message == row.expected);
  std::mt19937_64 random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string text = "gminv1";
    for (std::size_t k = random() % 200; k > 0; --k) {
      text.push_back("abcdefghijklmnopqrstuvwxyz234567"[random() % 32]);
    }
    CHECK_FALSE(parse_invitation(text).ok());
  }
  Invitation everywhere = sample_invitation();
  everywhere.join_endpoint = "tcp://*:7700";
  CHECK_FALSE(format_invitation(everywhere).ok());
}

TEST_CASE("rates: a burst, then the steady rate, and a bounded memory") {
  RateLimiter limiter(RateLimit{10, 3}, 2);
  for (int i = 0; i < 3; ++i) CHECK(limiter.admit("a", 1000));
  CHECK_FALSE(limiter.admit("a", 1000));
  CHECK_FALSE(limiter.admit("a", 1099));
  CHECK(limiter.admit("a", 1100));
  CHECK_FALSE(limiter.admit("a", 1100));
  CHECK(limiter.admit("b", 1100));  // another name has its own
  CHECK(limiter.admit("c", 1200));  // a, quiet since 1100 as b is, makes room
  CHECK(limiter.names() == 2);
  for (int i = 0; i < 3; ++i) CHECK(limiter.admit("c", 1'000'000'000'000));
  CHECK_FALSE(limiter.admit("c", 1'000'000'000'000));  // never more than the burst
}

TEST_CASE("a window never exceeds its credit and covers everything once, in order") {
  for (const std::uint64_t total : {1ull, 4095ull, 4096ull, 4097ull, 40'960ull, 41'000ull}) {
    for (std::uint16_t credit = 1; credit <= kMaxCredit; ++credit) {
      TransferWindow window(total, 4096);
      CHECK_FALSE(window.next().has_value());  // nothing before resume
      REQUIRE(window.resume(0, credit));
      std::uint64_t covered = 0;
      while (!window.finished()) {
        std::uint64_t sent = covered;
        std::uint16_t in_flight = 0;
        while (const auto range = window.next()) {
          CHECK(range->offset_bytes == sent);
          sent += range->length_bytes;
          ++in_flight;
        }
        REQUIRE(in_flight > 0);
        CHECK(in_flight <= credit);
        CHECK_FALSE(window.acknowledge(sent + 4096, credit));  // never sent
        REQUIRE(window.acknowledge(sent, credit));
        if (covered > 0) CHECK_FALSE(window.acknowledge(covered, credit));  // backwards
        covered = sent;
      }
      CHECK(covered == total);
      CHECK_FALSE(window.next().has_value());
    }
  }
}

TEST_CASE("a window resumes where the other side is") {
  TransferWindow window(10'000, 4096);
  REQUIRE(window.resume(0, 2));
  CHECK(window.next() == ChunkRange{0, 4096});
  CHECK(window.next() == ChunkRange{4096, 4096});
  CHECK_FALSE(window.next().has_value());
  REQUIRE(window.resume(4096, 9999));  // reconnected: one of the two had arrived; credit is capped
  CHECK(window.next() == ChunkRange{4096, 4096});
  CHECK(window.next() == ChunkRange{8192, 1808});
  CHECK_FALSE(window.resume(4097, 1));
  CHECK_FALSE(window.resume(20'480, 1));
  REQUIRE(window.acknowledge(10'000, 0));
  CHECK(window.finished());
  REQUIRE(window.resume(10'000, 0));  // everything was there already
  CHECK(window.finished());
}

TEST_CASE("clean text") {
  struct Row {
    std::string text;
    const char* expected;  // cleaned
  };
  const Row rows[] = {
      {"plain", "plain"},
      {"käse ☂ 𝄞", "käse ☂ 𝄞"},
      {"a\tb\nc\x7f", "a b c "},
      {"\xc2\x9b[31m", " [31m"},
      {"\xe2\x80\xae", " "},  // right-to-left override
      {"\xff\xfe", "??"},
      {"\xc0\xaf", "??"},            // overlong
      {"\xed\xa0\x80", "???"},       // surrogate
      {"\xf5\x80\x80\x80", "????"},  // beyond Unicode
      {"cut \xe2\x98", "cut ??"},
      {"a\xe2\x80\x8b"
       "b",
       "a b"},                    // no width
      {"\xd8\x9c", " "},          // a mark that reorders
      {"\xef\xbb\xbf", " "},      // byte order mark
      {"\xf3\xa0\x81\x81", " "},  // a tag
      {"\xef\xbf\xbf", " "},      // a noncharacter
      {"\xd9\x85\xdb\x8c\xe2\x80\x8c",
       "\xd9\x85\xdb\x8c\xe2\x80\x8c"},  // joiners are of the script
  };
  for (const Row& row : rows) {
    CHECK(clean_text(row.text, 100) == row.expected);
    CHECK(is_clean_text(row.text) == (row.text == row.expected));
    CHECK(is_clean_text(clean_text(row.text, 100)));
  }
  CHECK(clean_text("ab☂", 4) == "ab");  // never half a character
}

TEST_CASE("what a link's events mean") {
  using E = LinkEvent;
  struct Row {
    std::vector<E> events;
    LinkState expected;
  };
  const Row rows[] = {
      {{}, LinkState::connecting},
      {{E::tcp_failed, E::retrying}, LinkState::unreachable},
      {{E::retrying}, LinkState::unreachable},
      {{E::tcp_connected, E::handshake_refused, E::disconnected, E::retrying},
       LinkState::key_refused},
      {{E::tcp_connected, E::handshake_refused, E::handshake_failed}, LinkState::key_refused},
      {{E::tcp_connected, E::handshake_failed, E::disconnected, E::retrying},
       LinkState::handshake_broken},
      {{E::tcp_connected, E::handshake_succeeded}, LinkState::connecting},
      {{E::tcp_connected, E::handshake_succeeded, E::answered, E::answered}, LinkState::connected},
      {{E::tcp_connected, E::handshake_succeeded, E::answered, E::disconnected, E::retrying},
       LinkState::lost},
      {{E::handshake_succeeded, E::answered, E::went_silent}, LinkState::lost},
      {{E::handshake_succeeded, E::answered, E::disconnected, E::answered}, LinkState::lost},
      {{E::handshake_succeeded, E::answered, E::disconnected, E::retrying, E::tcp_failed},
       LinkState::unreachable},
      {{E::handshake_refused, E::disconnected, E::retrying, E::handshake_succeeded, E::answered},
       LinkState::connected},
  };
  for (const Row& row : rows) {
    LinkWatch watch("tcp://box:1");
    for (const E event : row.events) watch.on(event);
    CHECK(watch.state() == row.expected);
    CHECK(watch.diagnosis().empty() == (row.expected == LinkState::connected));
  }
}

TEST_CASE("CURVE keys") {
  const CurveKeyPair one = new_curve_key_pair();
  const CurveKeyPair other = new_curve_key_pair();
  CHECK(one.public_key != other.public_key);
  CHECK(curve_key_pair_of(one.secret_key)->public_key == one.public_key);
  CHECK_FALSE(curve_key_pair_of(Hash{}).has_value());
  CHECK(from_z85(to_z85(one.public_key)) == one.public_key);
  CHECK_FALSE(from_z85("too short").has_value());
  CHECK_FALSE(from_z85(std::string(40, '"')).has_value());
  CHECK_FALSE(from_z85(std::string(40, '#')).has_value());  // above 2^32 in each group
}

TEST_CASE("what invitations name where a coordinator listens elsewhere than configured") {
  const std::string configured = "tcp://0.0.0.0:7700";
  CHECK(public_endpoint("", configured, "tcp://10.0.0.1:7800") == "tcp://10.0.0.1:7800");
  CHECK(public_endpoint("tcp://f.org:7700", configured, configured) == "tcp://f.org:7700");
  CHECK(public_endpoint("tcp://f.org:7700", configured, "tcp://0.0.0.0:7800") ==
        "tcp://f.org:7800");
  // Something in between translates the port: it is told where to, not we.
  CHECK(public_endpoint("tcp://f.org:443", configured, "tcp://0.0.0.0:7800") == "tcp://f.org:443");
  CHECK_FALSE(check_reachable("tcp://*:1").ok());
  CHECK_FALSE(check_reachable("tcp://[::]:1").ok());
  CHECK_FALSE(check_reachable("tcp://h:0").ok());
  CHECK(check_reachable("tcp://h:1").ok());
}
