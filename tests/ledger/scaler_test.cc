// From sums to a scaler: against figures that Python's fractions and decimals gave.
#include "ledger/scaler.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/ledger/scaler_world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

struct Known {
  std::uint64_t rows;
  bool negative;
  std::uint64_t sum[2];      // its size, the high part first
  std::uint64_t squares[3];  // likewise
  std::uint32_t mean, scale;
};

// Constants, the largest and the smallest there are, ties to even and what lies beside them.
constexpr Known kKnown[] = {
    {10ULL, false, {0ULL, 0ULL}, {0ULL, 0ULL, 0ULL}, 0x00000000, 0x3f800000},
    {12ULL, false, {0ULL, 60000000ULL}, {0ULL, 0ULL, 300000000000000ULL}, 0x40a00000, 0x3f800000},
    {10ULL,
     false,
     {0ULL, 10000000000000000ULL},
     {0ULL, 542101086242ULL, 13875954555633532928ULL},
     0x4e6e6b28,
     0x3f800000},
    {10ULL,
     true,
     {0ULL, 10000000000000000ULL},
     {0ULL, 542101086242ULL, 13875954555633532928ULL},
     0xce6e6b28,
     0x3f800000},
    {10ULL, false, {0ULL, 1ULL}, {0ULL, 0ULL, 1ULL}, 0x33d6bf95, 0x34a10fb0},
    {10ULL,
     true,
     {0ULL, 8000000000000000ULL},
     {0ULL, 542101086242ULL, 13875954555633532928ULL},
     0xce3ebc20,
     0x4e0f0d18},
    {17ULL, false, {0ULL, 6376646ULL}, {0ULL, 0ULL, 7003544589228ULL}, 0x3ec00cb1, 0x3f0555da},
    {31ULL,
     false,
     {0ULL, 1514288504ULL},
     {0ULL, 0ULL, 86823132046643494ULL},
     0x4243645e,
     0x41a2e5b3},
    {20ULL, false, {0ULL, 4320985ULL}, {0ULL, 0ULL, 2772441219335ULL}, 0x3e5d3c04, 0x3e9b402c},
    {100000000ULL,
     false,
     {5421ULL, 200376420520689664ULL},
     {0ULL, 5421010862427522170ULL, 687399551400673280ULL},
     0x4e6e6b28,
     0x3f800000},
    {100000000ULL,
     false,
     {0ULL, 0ULL},
     {0ULL, 5421010862427522170ULL, 687399551400673280ULL},
     0x00000000,
     0x4e6e6b28},
    {100000000ULL, false, {0ULL, 1ULL}, {0ULL, 0ULL, 1ULL}, 0x283424dc, 0x2edbe6ff},
    {409500000000ULL,
     false,
     {22199039ULL, 8884702789003902976ULL},
     {1203ULL, 7606360968112692254ULL, 10996063781905235968ULL},
     0x4e6e6b28,
     0x3f800000},
    {409500000000ULL,
     true,
     {22199039ULL, 8884702789003902975ULL},
     {1203ULL, 7606360968112692254ULL, 10996063781905235967ULL},
     0xce6e6b28,
     0x38928f93},
    {409500000000ULL,
     false,
     {0ULL, 0ULL},
     {1203ULL, 7606360968112692254ULL, 10996063781905235968ULL},
     0x00000000,
     0x4e6e6b28},
    {409500000000ULL, true, {0ULL, 1ULL}, {0ULL, 0ULL, 1ULL}, 0xa234301f, 0x2bdbedde},
    {262144ULL,
     false,
     {0ULL, 262144015625ULL},
     {0ULL, 5421010ULL, 15908979783594147840ULL},
     0x3f800000,
     0x46989680},
    {262144ULL,
     false,
     {0ULL, 262144046875ULL},
     {0ULL, 5421010ULL, 15908979783594147840ULL},
     0x3f800002,
     0x46989680},
    {68719476736ULL,
     false,
     {0ULL, 0ULL},
     {0ULL, 3725ULL, 5363253432164371025ULL},
     0x00000000,
     0x3f800000},
    {68719476736ULL,
     false,
     {0ULL, 0ULL},
     {0ULL, 3725ULL, 5363253432164371026ULL},
     0x00000000,
     0x3f800001},
    {68719476736ULL,
     false,
     {0ULL, 0ULL},
     {0ULL, 3725ULL, 5363253432164371024ULL},
     0x00000000,
     0x3f800000},
    {68719476736ULL,
     false,
     {0ULL, 0ULL},
     {0ULL, 3725ULL, 5379637434117496025ULL},
     0x00000000,
     0x3f800002},
    {262144ULL,
     false,
     {0ULL, 786431984375ULL},
     {0ULL, 54210108ULL, 11515845246265065472ULL},
     0x40400000,
     0x4771433c},
    {73868667186ULL,
     true,
     {1532121ULL, 5701472299553449755ULL},
     {31ULL, 14350867636610832982ULL, 2623255943506837377ULL},
     0xcdb670ed,
     0x37204a17},
    {1283288570ULL,
     true,
     {22948ULL, 17473547368323713604ULL},
     {0ULL, 7570436683345293998ULL, 3523769739495711735ULL},
     0xcd9d4cc2,
     0x3bc80a32},
    {79899749049ULL,
     true,
     {71916ULL, 8053893950394810203ULL},
     {0ULL, 1194072311475000864ULL, 2334086186034956390ULL},
     0xcb7d59d8,
     0x304401ea},
    {65739045424ULL,
     false,
     {714876ULL, 16679502526021445462ULL},
     {7ULL, 14275997795052258296ULL, 2441211742401981808ULL},
     0x4d3f4e3c,
     0x360a5ae7},
    {50464985355ULL,
     false,
     {333301ULL, 16845025206713395083ULL},
     {2ULL, 4144893503015404807ULL, 15054140189033679397ULL},
     0x4ce8611b,
     0x4b3f8521},
    {24514635078ULL,
     true,
     {36005ULL, 10449204831955838398ULL},
     {0ULL, 975514210361334129ULL, 8059472873423082536ULL},
     0xcbceb4d9,
     0x459ca7ab},
    {77773494878ULL,
     false,
     {3504345ULL, 789498627613666225ULL},
     {157ULL, 16601912590813055768ULL, 8228852560784234860ULL},
     0x4e462b30,
     0x3c2608a1},
    {26161418344ULL,
     true,
     {240813ULL, 12672430724900241512ULL},
     {2ULL, 3999709965462202812ULL, 14231977139175872851ULL},
     0xcd21ef43,
     0x49ad26d5},
};

PooledSums pooled_of(const Known& known) {
  PooledSums pooled;
  pooled.rows = known.rows;
  const auto size = static_cast<I128>((U128{known.sum[0]} << 64) | known.sum[1]);
  pooled.sum = known.negative ? -size : size;
  pooled.squares = {known.squares[0], (U128{known.squares[1]} << 64) | known.squares[2]};
  return pooled;
}

}  // namespace

TEST_CASE("scaler: means and scales are the nearest fp32 of the exact ones") {
  for (const Known& known : kKnown) {
    const ScalerBits found = scaler_bits(pooled_of(known));
    CAPTURE(known.rows);
    CAPTURE(known.sum[1]);
    CAPTURE(known.squares[2]);
    CHECK(found.mean == known.mean);
    CHECK(found.scale == known.scale);
  }
}

TEST_CASE("scaler: which sums are possible, over all of a few small ones") {
  // Of at most four values of -2 to 2: exactly those sums that Cauchy and Schwarz allow.
  for (std::uint64_t rows = 0; rows <= 4; ++rows) {
    for (int sum = -9; sum <= 9; ++sum) {
      for (std::uint64_t squares = 0; squares <= 20; ++squares) {
        const bool allowed = rows > 0 && squares * rows >= static_cast<std::uint64_t>(sum * sum);
        CHECK(sums_are_possible({sum, squares}, rows) == allowed);
      }
    }
  }
  constexpr I128 kMost = I128{kMaxSummedValue} * kMillion;
  constexpr auto kMostSquared = static_cast<U128>(kMost * kMost);
  const struct {
    const char* what;
    ColumnSums sums;
    std::uint64_t rows;
    bool possible;
  } cases[] = {
      {"the largest", {kMost * 10, kMostSquared * 10}, 10, true},
      {"the smallest", {-kMost * 10, kMostSquared * 10}, 10, true},
      {"a sum above", {kMost * 10 + 1, kMostSquared * 10}, 10, false},
      {"a sum below", {-kMost * 10 - 1, kMostSquared * 10}, 10, false},
      {"squares above", {0, kMostSquared * 10 + 1}, 10, false},
      {"one square too few", {kMost * 10, kMostSquared * 10 - 1}, 10, false},
      {"as many rows as there may be", {0, kMostSquared * kMaxSummedRows}, kMaxSummedRows, true},
      {"one row more", {0, 0}, kMaxSummedRows + 1, false},
      {"the least 128-bit number",
       {static_cast<I128>(U128{1} << 127), ~U128{0}},
       kMaxSummedRows,
       false},
      {"all bits", {-1, ~U128{0}}, kMaxSummedRows, false},
  };
  for (const auto& each : cases) {
    CAPTURE(each.what);
    CHECK(sums_are_possible(each.sums, each.rows) == each.possible);
  }
}

TEST_CASE("scaler: three sites give what their rows give together") {
  World w(world_with_sites({}));
  w.enrol();
  for (int i = 0; i < 3; ++i) w.must(w.workers[static_cast<std::size_t>(i)], sums_body(w, i));
  CHECK_FALSE(fixed_scaler(w.chain.state()));
  CHECK(task_of(w.genesis, w.chain.state()).contract == w.genesis.task.contract);
  CHECK(stated_members(w.chain.state()).size() == 3);
  w.must(w.validator(), scaler_body(w));
  const auto fixed = fixed_scaler(w.chain.state());
  REQUIRE(fixed);
  CHECK(fixed->sites == 3);
  CHECK(fixed->height == w.chain.height());
  PooledSums first, second;
  for (int i = 0; i < 3; ++i) {
    for (const auto& [age, pressure] : rows_of(i)) {
      first.add({age, static_cast<U128>(age * age)}, 1);
      second.add({pressure, static_cast<U128>(pressure * pressure)}, 1);
    }
  }
  CHECK(fixed->rows == first.rows);
  CHECK(fixed->columns == std::vector{scaler_bits(first), scaler_bits(second)});

  const TaskSpec task = task_of(w.genesis, w.chain.state());
  const auto contract = DataContract::decode(task.contract);
  REQUIRE(contract.ok());
  CHECK(contract->scaler_from == ScalerFrom::sample);
  CHECK(std::bit_cast<std::uint32_t>(contract->columns[1].scaler.mean) == fixed->columns[1].mean);
  CHECK(std::bit_cast<std::uint32_t>(contract->columns[1].scaler.scale) == fixed->columns[1].scale);
  CHECK(without_scaler(*contract).encode() == w.genesis.task.contract);
  // The statements went with the scaler, but for the blocks.
  int left = 0;
  w.chain.state().scan(state_key::kSumsPrefix, [&](const auto&, const auto&) { ++left; });
  CHECK(left == 0);
  w.run_round();
  CHECK(task_of(w.genesis, w.chain.state()).contract == task.contract);
}

TEST_CASE("scaler: a suspended site is not counted") {
  World w(world_with_sites({}));
  w.enrol();
  for (int i = 0; i < 3; ++i) w.must(w.workers[static_cast<std::size_t>(i)], sums_body(w, i));
  w.must(w.validator(), SuspendMember{w.workers[1].account(), SuspendReason::operator_decision,
                                      "its figures are another unit's"});
  w.must(w.validator(), scaler_body(w));
  CHECK(fixed_scaler(w.chain.state())->sites == 2);
  CHECK(fixed_scaler(w.chain.state())->rows == rows_of(0).size() + rows_of(2).size());
}
