#include "coordinator/intake/uploads.h"

#include <doctest/doctest.h>

#include "tests/ledger/store_fixture.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr std::uint64_t kPayloadBytes = 5000;

Opening opening_of(ByteView payload, std::uint64_t size_bytes = kPayloadBytes) {
  return {blob_root(payload), size_bytes, Encoding::fp32, Hash{}};
}

struct Desk {
  TemporaryDirectory folder;
  BlobStore blobs{folder.path() / "blobs"};
  Uploads uploads{folder.path() / "incoming", blobs};
  AccountId worker = hash_at("worker", 1);
};

}  // namespace

TEST_CASE("an upload: in pieces, repeated, with a gap, beyond the end, and whole") {
  Desk desk;
  const Bytes payload = noise("update", kPayloadBytes);
  const Opening opening = opening_of(payload);
  CHECK(desk.uploads.begin(desk.worker, opening).value() == 0);
  const ByteView all(payload);
  const auto add = [&](std::size_t from, std::size_t count) {
    return desk.uploads.add(desk.worker, from, all.subspan(from, count)).value();
  };
  CHECK(add(0, 2000).next_offset_bytes == 2000);
  CHECK(add(0, 2000).next_offset_bytes == 2000);
  CHECK(add(3000, 2000).next_offset_bytes == 2000);
  CHECK(desk.uploads.begin(desk.worker, opening).value() == 2000);
  CHECK(desk.uploads.add(desk.worker, 4000, all.first(1001))->verdict == Verdict::wrong_size);
  CHECK(desk.uploads.add(desk.worker, ~std::uint64_t{0}, all)->verdict == Verdict::wrong_size);
  CHECK(add(1000, 4000).finished);
  CHECK(desk.blobs.get_verified(opening.root).ok());
  CHECK_FALSE(desk.uploads.is_open(desk.worker, opening.root));
  CHECK(desk.uploads.begin(desk.worker, opening).value() == kPayloadBytes);
}

TEST_CASE("an upload of other bytes than promised begins again") {
  Desk desk;
  const Opening opening = opening_of(noise("promised", kPayloadBytes));
  CHECK(desk.uploads.begin(desk.worker, opening).value() == 0);
  const auto step = desk.uploads.add(desk.worker, 0, noise("sent", kPayloadBytes));
  CHECK(step->verdict == Verdict::hash_mismatch);
  CHECK_FALSE(desk.blobs.contains(opening.root));
  CHECK(desk.uploads.begin(desk.worker, opening).value() == 0);
}

TEST_CASE("the root of a stored blob of another size is no update that is held") {
  Desk desk;
  const Bytes layout = noise("layout", 260);
  REQUIRE(desk.blobs.put(layout).ok());
  CHECK(desk.uploads.begin(desk.worker, opening_of(layout)).value() == 0);
  CHECK(desk.uploads.add(desk.worker, 0, noise("any", kPayloadBytes))->verdict ==
        Verdict::hash_mismatch);
  CHECK(desk.blobs.get_verified(blob_root(layout)).ok());
}
