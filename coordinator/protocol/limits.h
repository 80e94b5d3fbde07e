// Every limit of the wire in one place. Nothing a peer sends makes this side hold more than these
// allow.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gradmint {

// Spoken in every frame; frames of another version are refused, by name. It grows with every change
// of a message or of a record that messages carry.
// 2: OpenRound and CommitUpdate say how updates are encoded and aggregated.
// 3: both sides ping; a refusal may say that the coordinator is full; notices say why a worker
// waits; Hello names the newest block its sender holds; ReportFork; the ledger's schema is 3.
// 4: Welcome tells the coordinator's time; what became of an invitation can be asked;
// the ledger's schema is 5.
// 5: GetScaler asks for the statement that fixed a scaler; the ledger's schema is 6.
// 6: GiveUp says what a progress text said.
inline constexpr std::uint16_t kProtocolVersion = 6;

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

// A transport chunk is an aligned power-of-two subtree of a blob's Merkle tree (design: the
// ledger).
inline constexpr std::size_t kMinChunkBytes = 1 * kMiB;
inline constexpr std::size_t kMaxChunkBytes = 4 * kMiB;
inline constexpr std::size_t kMaxPayloadBytes = 4 * kMiB;

// Fields of the header frame.
inline constexpr std::size_t kMaxTransactionBytes = 256 * kKiB;
inline constexpr std::size_t kMaxRecordBytes = 1 * kMiB;  // an OpenRound record, opaque here
inline constexpr std::size_t kMaxReceiptBytes = 1 * kKiB;
inline constexpr std::size_t kMaxHeaderBytes = 1 * kKiB;  // a block header, opaque here
inline constexpr std::size_t kMaxCertificateBytes = 20 * kKiB;
inline constexpr std::uint32_t kMaxHeadersPerReply = 64;
inline constexpr std::uint32_t kMaxPathHashes = 32;  // from a transaction to its block's root
inline constexpr std::size_t kMaxTextBytes = 512;    // one line for a person
inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxEndpointBytes = 255;
inline constexpr std::size_t kMaxAdminRequestBytes = 64 * kKiB;
inline constexpr std::size_t kMaxAdminReplyBytes = 1 * kMiB;

// Frames. A header frame is bounded by direction: what a client may send is smaller.
inline constexpr std::size_t kMaxRequestFrameBytes = 384 * kKiB;
inline constexpr std::size_t kMaxReplyFrameBytes = 2 * kMiB;
// CURVE wraps each frame in a MESSAGE command (name, nonce, flags, authenticator), and libzmq
// compares ZMQ_MAXMSGSIZE with the wrapped size.
inline constexpr std::size_t kCurveOverheadBytes = 64;
// Beyond these libzmq closes the connection; up to them a frame that is too large for its kind is
// refused by name.
inline constexpr std::size_t kMaxJoinWireBytes = 512 * kKiB + kCurveOverheadBytes;
inline constexpr std::size_t kMaxWorkWireBytes = kMaxPayloadBytes + kCurveOverheadBytes;
inline constexpr std::size_t kFramePrefixBytes = 2 + 2 + 8;  // version, type, request id

// Flow: a sender has at most this many chunks unacknowledged, below the high-water mark of what
// waits to be sent, which counts messages for each peer. What is received has no such mark: libzmq
// aborts when a connection ends whose full queue is then read (docs/protocol.md); bytes are counted
// instead.
inline constexpr std::uint16_t kMaxCredit = 4;
inline constexpr int kSendHighWaterMessages = 16;
inline constexpr int kReceiveHighWaterMessages = 0;  // none
// What a connection may have sent without the loop having taken it. libzmq bounds the size of a
// frame, not the number of frames in a message: whoever exceeds this is cut off. Until the loop has
// taken its first message that is the handshake and a small message; then, at join, one large
// request and a few small ones; at work the chunks that credit allows, and as much again at join.
inline constexpr std::size_t kMaxFirstBytes = 16 * kKiB;
inline constexpr std::size_t kMaxUntakenJoinBytes = 1 * kMiB;
inline constexpr std::size_t kMaxUntakenWorkBytes =
    kMaxCredit * (kMaxWorkWireBytes + kKiB) + kMaxUntakenJoinBytes;
// The same over all connections of an entrance together; the greatest is cut off.
inline constexpr std::size_t kMaxUntakenJoinBytesTotal = 64 * kMiB;
inline constexpr std::size_t kMaxUntakenWorkBytesTotal = 512 * kMiB;

// Taken in one turn of the server's loop.
inline constexpr std::size_t kMaxInboundPerPoll = 64;
inline constexpr std::size_t kMaxInboundBytesPerPoll = 64 * kMiB;
// Connections at each entrance (coordinator/protocol/connection_guard.h). Pending: the loop has not
// taken their first message yet. Guests: at join, with a key that is not admitted.
inline constexpr std::size_t kMaxPending = 256;
inline constexpr std::size_t kMaxPendingPerAddress = 32;
inline constexpr std::size_t kMaxGuests = 256;
inline constexpr std::size_t kMaxGuestsPerAddress = 8;
inline constexpr std::size_t kMaxConnectionsPerAccount = 4;
inline constexpr std::size_t kMaxWorkConnections = 4096;
// A process with fewer file descriptors than this does not start serving: libzmq aborts where it
// finds none, and the ledger's store needs its own.
inline constexpr std::size_t kMinDescriptors = 256;

static_assert((kMinChunkBytes & (kMinChunkBytes - 1)) == 0 &&
              (kMaxChunkBytes & (kMaxChunkBytes - 1)) == 0);
static_assert(kMaxChunkBytes <= kMaxPayloadBytes);
static_assert(kFramePrefixBytes + kMaxTransactionBytes + kMaxTextBytes <= kMaxRequestFrameBytes);
static_assert(kFramePrefixBytes + kMaxAdminRequestBytes <= kMaxRequestFrameBytes);
static_assert(kFramePrefixBytes +
                  kMaxHeadersPerReply * (kMaxHeaderBytes + kMaxCertificateBytes + 8) + 12 <=
              kMaxReplyFrameBytes);
static_assert(kFramePrefixBytes + kMaxRecordBytes + 4 * kKiB <= kMaxReplyFrameBytes);
static_assert(kFramePrefixBytes + kMaxAdminReplyBytes <= kMaxReplyFrameBytes);
static_assert(kMaxReplyFrameBytes <= kMaxPayloadBytes && kMaxRequestFrameBytes <= kMaxPayloadBytes);
static_assert(2 * kMaxCredit <= kSendHighWaterMessages);
static_assert(kMaxUntakenJoinBytes > kMaxJoinWireBytes);
static_assert(kMaxUntakenWorkBytes >= kMaxCredit * kMaxWorkWireBytes + kMaxJoinWireBytes);

}  // namespace gradmint
