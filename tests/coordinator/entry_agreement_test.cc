// The verdict due to each commitment of an attempt, over every pair of cases in a small world: what
// the rules as they are written down say (`expected`), and what intake, executor, chain and audit
// say.
#include <doctest/doctest.h>

#include <fstream>
#include <limits>

#include "coordinator/intake/reveal_check.h"
#include "ledger/audit/recompute.h"
#include "ledger/merkle.h"
#include "tests/ledger/store_fixture.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// What a worker under test has committed to, and whether it reveals it.
enum class Deed {
  honest,
  silent,              // reveals nothing
  huge,                // its exponent is beyond the round's
  huge_and_silent,     //
  other_encoding,      //
  too_short,           //
  of_earlier_round,    // another's update of the round before
  of_own_round,        // its own update of the round before
  of_others_attempt,   // what another revealed in the attempt before
  of_own_attempt,      // what it revealed there itself
  twin,                // the same bytes as every other twin
  not_finite,          // in a buffer: int8 has no such value
  impossible_integer,  // one that the encoding does not have
  dirty_padding,       //
  false_exponent,      //
};
constexpr int kDeeds = 15;
constexpr int kWorkers = 5, kHonest = 4;  // 0 and 1 are under test; 4 is who others copy from

const ModelSize kSize{6, 2};
constexpr std::size_t kIntegersAt = 4096, kPaddingAt = kIntegersAt + 6;

// Of who committed first and who second.
Verdict expected(Deed deed, Deed other, bool first) {
  switch (deed) {
    case Deed::honest:
    case Deed::of_own_attempt:
      return Verdict::ok;
    case Deed::silent:
      return Verdict::not_revealed;
    case Deed::huge:
    case Deed::huge_and_silent:
      return Verdict::out_of_range;
    case Deed::other_encoding:
      return Verdict::wrong_encoding;
    case Deed::too_short:
      return Verdict::wrong_size;
    case Deed::of_earlier_round:
    case Deed::of_own_round:
    case Deed::of_others_attempt:
      return Verdict::root_seen_before;
    case Deed::twin:
      return other == Deed::twin && !first ? Verdict::root_seen_before : Verdict::ok;
    case Deed::not_finite:
      return Verdict::non_finite;
    case Deed::impossible_integer:
    case Deed::dirty_padding:
      return Verdict::malformed_payload;
    case Deed::false_exponent:
      return Verdict::exponent_mismatch;
  }
  return Verdict::malformed;
}

constexpr Verdict kTried[] = {
    Verdict::ok,           Verdict::out_of_range,      Verdict::not_revealed,
    Verdict::wrong_size,   Verdict::wrong_encoding,    Verdict::root_seen_before,
    Verdict::non_finite,   Verdict::malformed_payload, Verdict::exponent_mismatch,
    Verdict::late,         Verdict::duplicate,         Verdict::suspended,
    Verdict::hash_mismatch};
bool decided_by_payload(Verdict v) {
  return v == Verdict::ok || v == Verdict::non_finite || v == Verdict::malformed_payload ||
         v == Verdict::exponent_mismatch;
}

std::vector<float> values(float first) {
  return {first, 0.5F, -0.5F, 0.25F, 1.0F, 0.0F, 2.0F, 3.0F};
}

// A round has ended, and of the next one an attempt was given up after its reveals.
struct Past {
  World world{[] {
    WorldOptions o;
    o.workers = kWorkers;
    o.parameters = kSize.parameters;
    o.buffers = kSize.buffers;
    o.encoding = {Encoding::int8, 0};
    return o;
  }()};
  std::map<int, Bytes> of_round, of_attempt;  // what each worker revealed in them

  Past() {
    world.enrol();
    world.open();
    world.commit();
    world.close();
    for (int i = 0; i < kWorkers; ++i) of_round[i] = world.encoded_of(i);
    world.result();
    world.attest();
    world.settle();
    world.open();
    for (int i = 0; i < kWorkers; ++i) {
      world.own_payloads[i] = values(-static_cast<float>(i + 1) / 16);
      of_attempt[i] = world.encoded_of(i);
    }
    world.commit();
    world.close();
    world.must(world.validator(), world.abandon_body());
    for (int i = 0; i < kWorkers; ++i) {
      world.own_payloads[i] = values(static_cast<float>(i + 1) / 16);
    }
  }
};

void prepare(World& w, const Past& past, int worker, Deed deed) {
  const auto copy = [&](const Bytes& bytes) { w.own_bytes[worker] = bytes; };
  const auto spoil = [&](std::size_t at, std::uint8_t byte) {
    w.own_bytes[worker] = w.encoded_of(worker);
    w.own_bytes[worker].at(at) = byte;
  };
  switch (deed) {
    case Deed::silent:
      w.silent.insert(worker);
      break;
    case Deed::huge_and_silent:
      w.silent.insert(worker);
      [[fallthrough]];
    case Deed::huge:
      w.own_exponents[worker] = 100;
      break;
    case Deed::other_encoding:
      w.own_encodings[worker] = {};
      break;
    case Deed::too_short:
      copy(Bytes(16, 0));
      break;
    case Deed::of_earlier_round:
      copy(past.of_round.at(kHonest));
      break;
    case Deed::of_own_round:
      copy(past.of_round.at(worker));
      break;
    case Deed::of_others_attempt:
      copy(past.of_attempt.at(kHonest));
      break;
    case Deed::of_own_attempt:
      copy(past.of_attempt.at(worker));
      break;
    case Deed::twin:
      w.own_payloads[worker] = values(0.75F);
      break;
    case Deed::not_finite:
      w.own_payloads[worker].back() = std::numeric_limits<float>::quiet_NaN();
      break;
    case Deed::impossible_integer:
      spoil(kIntegersAt + 1, 0x80);
      break;
    case Deed::dirty_padding:
      spoil(kPaddingAt, 1);
      break;
    case Deed::false_exponent:
      w.own_exponents[worker] = -9;
      break;
    case Deed::honest:
      break;
  }
}

// Blobs without the cost of syncing them.
class Blobs {
 public:
  void put(ByteView bytes) {
    const Hash root = blob_root(bytes);
    const auto file = store_.path_of(root);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  }
  const BlobStore& store() const { return store_; }

 private:
  TemporaryDirectory folder_;
  BlobStore store_{folder_.path()};
};

// The attempt as an audit gathers it.
Attempt attempt_of(const World& w) {
  const RoundRecord record = w.round();
  Attempt attempt;
  attempt.open.body = record.open;
  attempt.close = Seen<CloseCommits>{1, {}, {}, record.close};
  for (const auto& [worker, commit] : commits_of(w.chain.state(), record.round, record.attempt)) {
    attempt.commits[worker].body = commit.body;
  }
  return attempt;
}

// The entry as its coordinator would write it to say this.
ResultEntry saying(ResultEntry entry, Verdict verdict) {
  ResultEntry said;
  said.worker = entry.worker;
  said.opening = entry.opening;
  said.verdict = verdict;
  if (verdict == Verdict::ok) {
    said.clip_factor_bits = 0x3FF0'0000'0000'0000;
    said.coefficient = 1;
    said.selected = true;
  }
  return said;
}

struct Meeting {
  World world;
  Deed deeds[2];
  bool first_is_first;
  RoundExecution execution;
  Attempt attempt;

  Verdict due(int worker) const {
    return expected(deeds[worker], deeds[1 - worker], (worker == 0) == first_is_first);
  }
  std::size_t place(int worker) const {
    const auto& entries = execution.result.entries;
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (world.worker_of(entries[i].worker) == worker) return i;
    GRADMINT_CHECK(false);
    return 0;
  }
};

void compare_executor(const Meeting& m) {
  for (int worker = 0; worker < kWorkers; ++worker) {
    const Verdict said = m.execution.result.entries[m.place(worker)].verdict;
    CHECK(verdict_name(said) == verdict_name(worker < 2 ? m.due(worker) : Verdict::ok));
  }
}

void compare_intake(const Meeting& m) {
  const World& w = m.world;
  std::map<AccountId, Opening> all;
  for (const ResultEntry& entry : m.execution.result.entries)
    if (entry.opening) all[entry.worker] = *entry.opening;
  const RoundView view = view_of(w.chain);
  for (int worker = 0; worker < 2; ++worker) {
    if (w.silent.contains(worker)) continue;
    Reveal reveal;
    reveal.worker = w.workers[static_cast<std::size_t>(worker)].account();
    reveal.round = view.round->round;
    reveal.attempt = view.round->attempt;
    reveal.opening = w.opening_of(worker);
    reveal.encoding = static_cast<std::uint8_t>(reveal.opening.encoding);
    const Verdict said = check_reveal(
        view, w.chain.state(), w.chain.history()[view.round->open_height], kSize, all, reveal);
    const Verdict due = m.due(worker);
    CHECK(verdict_name(said) == verdict_name(decided_by_payload(due) ? Verdict::ok : due));
  }
}

// Of the first under test every verdict is tried. Gives those that stand.
std::vector<Verdict> compare_chain(const Meeting& m) {
  const World& w = m.world;
  std::vector<Verdict> stand;
  const std::size_t at = m.place(0);
  const Verdict due = m.due(0);
  for (const Verdict tried : kTried) {
    RoundResult body = m.execution.result;
    body.entries[at] = saying(body.entries[at], tried);
    const bool stands = w.ask(w.validator(), body) == Verdict::ok;
    CAPTURE(verdict_name(tried));
    CHECK(stands == (decided_by_payload(due) ? decided_by_payload(tried) : tried == due));
    if (stands) stand.push_back(tried);
  }
  return stand;
}

void compare_audit(const Meeting& m, const std::vector<Verdict>& stand, Blobs& blobs,
                   kernels::Backend& backend) {
  const std::size_t at = m.place(0);
  for (const Verdict told : stand) {
    Attempt attempt = m.attempt;
    RoundResult body = m.execution.result;
    const Verdict made = body.entries[at].verdict;
    if (told != made) body.entries[at] = saying(body.entries[at], told);
    attempt.result = Seen<RoundResult>{2, {}, {}, body};
    Recomputation recomputation(blobs.store(), backend);
    const auto found = recomputation.round(attempt, kSize);
    REQUIRE(found.ok());
    CAPTURE(verdict_name(told));
    CAPTURE(verdict_name(made));
    CHECK((*found ? (*found)->rule : "") == (told == made ? "" : "wrong_rejection"));
  }
}

// An attempt that is given up instead has its verdicts from the state after it.
void compare_abandonment(const Meeting& m) {
  World w = m.world;
  std::vector<Verdict> due;
  for (const ResultEntry& entry : m.execution.result.entries)
    due.push_back(decided_by_payload(entry.verdict) ? Verdict::ok : entry.verdict);
  const RoundRecord record = w.round();
  const AbandonRound body = w.abandon_body();
  w.must(w.validator(), body);
  CHECK(abandoned_verdicts(w.chain.state(), record.open, record.close, body, kSize) == due);
}

}  // namespace

TEST_CASE("intake, executor, chain and audit agree on every entry of every small round") {
  const Past past;
  const auto backend = kernels::make_cpu_backend(kernels::cpu_level_from_environment().value(), 1);
  Blobs blobs;
  for (const auto& [root, bytes] : past.world.blobs) blobs.put(bytes);
  std::size_t worlds = 0, results = 0;
  for (int a = 0; a < kDeeds; ++a) {
    for (int b = 0; b < kDeeds; ++b) {
      for (const bool in_order : {true, false}) {
        Meeting m{past.world, {static_cast<Deed>(a), static_cast<Deed>(b)}, in_order, {}, {}};
        CAPTURE(a);
        CAPTURE(b);
        CAPTURE(in_order);
        m.world.open();
        for (int worker = 0; worker < 2; ++worker) prepare(m.world, past, worker, m.deeds[worker]);
        m.world.commit(in_order ? std::vector{0, 1, 2, 3, 4} : std::vector{1, 0, 2, 3, 4});
        m.world.close();
        m.execution = m.world.execute();
        m.attempt = attempt_of(m.world);
        for (int worker = 0; worker < kWorkers; ++worker) blobs.put(m.world.encoded_of(worker));
        blobs.put({reinterpret_cast<const std::uint8_t*>(m.execution.model.data()),
                   m.execution.model.size() * sizeof(float)});
        compare_executor(m);
        compare_intake(m);
        const auto stand = compare_chain(m);
        compare_audit(m, stand, blobs, *backend);
        compare_abandonment(m);
        ++worlds;
        results += std::size(kTried);
      }
    }
  }
  MESSAGE(worlds << " rounds, " << results << " results tried");
}
