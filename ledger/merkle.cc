#include "ledger/merkle.h"

#include <algorithm>
#include <bit>

#include "kernels/base/check.h"
#include "kernels/parallel.h"
#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {

namespace {

constexpr std::uint8_t kLeafPrefix[] = {0x00};
constexpr std::uint8_t kNodePrefix[] = {0x01};

// Where RFC 6962 splits a tree: the largest power of two below its size.
std::uint64_t split_point(std::uint64_t size) { return std::bit_floor(size - 1); }

void add_inclusion_path(std::span<const Hash> leaves, std::uint64_t index,
                        std::vector<Hash>& path) {
  if (leaves.size() <= 1) return;
  const std::uint64_t split = split_point(leaves.size());
  const auto left = leaves.first(split);
  const auto right = leaves.subspan(split);
  if (index < split) {
    add_inclusion_path(left, index, path);
    path.push_back(merkle_root(right));
  } else {
    add_inclusion_path(right, index - split, path);
    path.push_back(merkle_root(left));
  }
}

// RFC 6962 section 2.1.2, SUBPROOF: `whole` says that the old tree's root is already known to the
// verifier.
void add_consistency_path(std::span<const Hash> leaves, std::uint64_t old_size, bool whole,
                          std::vector<Hash>& path) {
  if (old_size == leaves.size()) {
    if (!whole) path.push_back(merkle_root(leaves));
    return;
  }
  const std::uint64_t split = split_point(leaves.size());
  if (old_size <= split) {
    add_consistency_path(leaves.first(split), old_size, whole, path);
    path.push_back(merkle_root(leaves.subspan(split)));
  } else {
    add_consistency_path(leaves.subspan(split), old_size - split, false, path);
    path.push_back(merkle_root(leaves.first(split)));
  }
}

// Folds a frontier's peaks from the smallest up. Precondition: not empty.
Hash fold_peaks(std::span<const Hash> peaks) {
  Hash root = peaks.back();
  for (std::size_t i = peaks.size() - 1; i-- > 0;) root = merkle_node_hash(peaks[i], root);
  return root;
}

// An aligned subtree that one thread hashes by itself: large enough that handing it out costs
// nothing, small enough that 4 MB of update keep four threads busy.
constexpr std::size_t kSubtreeBytes = std::size_t{1} << 20;

Hash subtree_root(ByteView payload) {
  MerkleFrontier frontier;
  for (std::size_t at = 0; at < payload.size(); at += kBlobLeafBytes) {
    frontier.append(
        merkle_leaf_hash(payload.subspan(at, std::min(kBlobLeafBytes, payload.size() - at))));
  }
  return frontier.root();
}

Hash finish_blob(std::uint64_t length_bytes, const Hash& tree_root) {
  std::array<std::uint8_t, 8 + 32> statement;
  for (std::size_t i = 0; i < 8; ++i) {
    statement[i] = static_cast<std::uint8_t>(length_bytes >> (8 * i));
  }
  std::ranges::copy(tree_root.bytes, statement.begin() + 8);
  return tagged_hash(tag::kBlob, statement);
}

}  // namespace

Hash merkle_leaf_hash(ByteView data) { return sha256_concat({kLeafPrefix, data}); }

Hash merkle_node_hash(const Hash& left, const Hash& right) {
  return sha256_concat({kNodePrefix, left.view(), right.view()});
}

Hash merkle_root(std::span<const Hash> leaf_hashes) {
  MerkleFrontier frontier;
  for (const Hash& leaf : leaf_hashes) frontier.append(leaf);
  return frontier.root();
}

std::vector<Hash> merkle_inclusion_proof(std::span<const Hash> leaf_hashes, std::uint64_t index) {
  GRADMINT_CHECK(index < leaf_hashes.size());
  std::vector<Hash> path;
  add_inclusion_path(leaf_hashes, index, path);
  return path;
}

bool verify_inclusion(const Hash& leaf_hash, std::uint64_t index, std::uint64_t tree_size,
                      std::span<const Hash> proof, const Hash& root) {
  if (index >= tree_size) return false;
  // `at` and `last` are the positions, on the current level, of our node and of the last one.
  std::uint64_t at = index;
  std::uint64_t last = tree_size - 1;
  Hash node = leaf_hash;
  for (const Hash& sibling : proof) {
    if (last == 0) return false;  // the path is longer than the tree is high
    if ((at & 1) == 1 || at == last) {
      node = merkle_node_hash(sibling, node);
      // A last node without a right sibling is carried up until it has a left one.
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      node = merkle_node_hash(node, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && node == root;
}

std::vector<Hash> merkle_consistency_proof(std::span<const Hash> leaf_hashes,
                                           std::uint64_t old_size) {
  GRADMINT_CHECK(old_size <= leaf_hashes.size());
  std::vector<Hash> path;
  if (old_size > 0) add_consistency_path(leaf_hashes, old_size, true, path);
  return path;
}

bool verify_consistency(std::uint64_t old_size, std::uint64_t new_size, const Hash& old_root,
                        const Hash& new_root, std::span<const Hash> proof) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  if (old_size == 0) return proof.empty() && old_root == merkle_root({});

  std::uint64_t at = old_size - 1;
  std::uint64_t last = new_size - 1;
  while ((at & 1) == 1) {
    at >>= 1;
    last >>= 1;
  }
  // A complete old tree is itself the first node; otherwise the proof starts with that node.
  Hash first = old_root;
  if (at != 0) {
    if (proof.empty()) return false;
    first = proof.front();
    proof = proof.subspan(1);
  }
  Hash old_node = first;
  Hash new_node = first;
  for (const Hash& sibling : proof) {
    if (last == 0) return false;
    if ((at & 1) == 1 || at == last) {
      old_node = merkle_node_hash(sibling, old_node);
      new_node = merkle_node_hash(sibling, new_node);
      while ((at & 1) == 0 && at != 0) {
        at >>= 1;
        last >>= 1;
      }
    } else {
      new_node = merkle_node_hash(new_node, sibling);
    }
    at >>= 1;
    last >>= 1;
  }
  return last == 0 && old_node == old_root && new_node == new_root;
}

void MerkleFrontier::append(const Hash& leaf_hash) {
  Hash node = leaf_hash;
  // As in adding one to a binary number: every trailing one is a peak that the carry merges.
  for (std::uint64_t carry = size_; (carry & 1) == 1; carry >>= 1) {
    node = merkle_node_hash(peaks_.back(), node);
    peaks_.pop_back();
  }
  peaks_.push_back(node);
  ++size_;
}

Hash MerkleFrontier::root() const { return peaks_.empty() ? sha256({}) : fold_peaks(peaks_); }

Hash blob_root(ByteView payload, int threads) {
  if (payload.size() <= kSubtreeBytes) return finish_blob(payload.size(), subtree_root(payload));
  // Every subtree but the last has 2^8 leaves, so the tree over their roots is the tree over the
  // leaves.
  std::vector<Hash> subtrees((payload.size() + kSubtreeBytes - 1) / kSubtreeBytes);
  kernels::parallel_for(threads, subtrees.size(), [&](std::size_t task, int) {
    const std::size_t begin = task * kSubtreeBytes;
    subtrees[task] =
        subtree_root(payload.subspan(begin, std::min(kSubtreeBytes, payload.size() - begin)));
  });
  return finish_blob(payload.size(), merkle_root(subtrees));
}

void BlobHasher::update(ByteView piece) {
  length_bytes_ += piece.size();
  if (!partial_leaf_.empty()) {
    const std::size_t wanted = std::min(kBlobLeafBytes - partial_leaf_.size(), piece.size());
    partial_leaf_.insert(partial_leaf_.end(), piece.begin(),
                         piece.begin() + static_cast<std::ptrdiff_t>(wanted));
    piece = piece.subspan(wanted);
    if (partial_leaf_.size() < kBlobLeafBytes) return;
    frontier_.append(merkle_leaf_hash(partial_leaf_));
    partial_leaf_.clear();
  }
  // Whole leaves are hashed where they lie.
  for (; piece.size() >= kBlobLeafBytes; piece = piece.subspan(kBlobLeafBytes)) {
    frontier_.append(merkle_leaf_hash(piece.first(kBlobLeafBytes)));
  }
  partial_leaf_.assign(piece.begin(), piece.end());
}

Hash BlobHasher::finish() {
  if (!partial_leaf_.empty()) frontier_.append(merkle_leaf_hash(partial_leaf_));
  partial_leaf_.clear();
  return finish_blob(length_bytes_, frontier_.root());
}

}  // namespace gradmint
