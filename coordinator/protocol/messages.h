// What coordinator and workers say to each other: plain structs, and one codec for their header
// frames. Pure; the sockets are in server_transport.h and client_transport.h.
//
// A message is a header frame {version u16, type u16, request id u64, fields} and, for the kinds
// that say so, one raw payload frame of at most kMaxPayloadBytes. Each kind states below where a
// coordinator accepts it; kinds accepted nowhere are what a coordinator sends. An answer repeats
// the request id of what it answers; what a coordinator sends unasked has request id 0. A request
// may arrive more than once (a client repeats it after a reconnect), so every one of them is
// idempotent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "coordinator/protocol/limits.h"
#include "kernels/base/result.h"
#include "ledger/bytes.h"

namespace gradmint {

enum Entrances : std::uint8_t {
  kNowhere = 0,
  kAtJoin = 1,   // any CURVE key, rate-limited
  kAtWork = 2,   // admitted keys only
  kAtAdmin = 4,  // ipc socket in the coordinator's home
};

struct Kind {
  std::uint16_t type;
  std::string_view name;
  std::uint8_t accepted_at;  // of Entrances, by a coordinator
  bool has_payload;          // then a payload frame must follow; otherwise none may
};

// Why a request was not carried out. Numbers are never reused; the layout of Refusal is the same in
// every protocol version, so that an older or newer peer can read it.
enum class RefusalCode : std::uint16_t {
  wrong_version = 1,
  malformed = 2,
  unknown_message = 3,
  not_accepted_here = 4,
  oversized = 5,
  rate_limited = 6,
  unknown_chain = 7,
  not_a_member = 8,
  bad_invitation = 9,
  not_found = 10,
  not_now = 11,        // the phase or the order of requests does not allow it; ask again later
  not_as_agreed = 12,  // differs from what was committed or announced: size, root, encoding, salt
  overloaded = 13,
  paused = 14,
  failed = 15,  // the coordinator could not (its disk, for example); the detail says what
  full = 16,    // too many unregistered peers are connected; the connection is closed after this
};
std::string_view refusal_name(RefusalCode code);  // "unnamed" for a number this build does not know

// ---- both entrances

struct CertifiedHeader {
  Bytes header;
  Bytes certificate;
  bool operator==(const CertifiedHeader&) const = default;
};

struct Hello {  // → Welcome
  static constexpr Kind kKind{1, "Hello", kAtJoin | kAtWork, false};
  Hash chain_id;             // zero: not known yet
  std::string revision;      // of the sender's program, for the log
  CertifiedHeader newest{};  // block its sender has verified; empty: none above the genesis
  bool operator==(const Hello&) const = default;
};

struct Welcome {
  static constexpr Kind kKind{2, "Welcome", kNowhere, false};
  Hash chain_id;
  std::uint64_t tip_height = 0;
  Hash tip_hash;
  std::string work_endpoint;  // "tcp://host:port"; host "*" means "the host you reached me at"
  std::string revision;
  bool admitted = false;      // this CURVE key may enter at work
  std::uint64_t unix_ms = 0;  // the coordinator's clock, for people: nothing depends on it
  bool operator==(const Welcome&) const = default;
};

struct Refusal {
  static constexpr Kind kKind{3, "Refusal", kNowhere, false};
  RefusalCode code = RefusalCode::failed;
  std::string name;    // refusal_name(code), for peers too old to know the number
  std::string detail;  // one line: what, where, what to do
  bool operator==(const Refusal&) const = default;
};
Refusal refuse(RefusalCode code, std::string detail);

struct Ping {  // → Pong
  static constexpr Kind kKind{4, "Ping", kAtJoin | kAtWork, false};
  bool operator==(const Ping&) const = default;
};
// The request id of a Ping that a client's transport sends by itself and that the server's answers:
// neither reaches who uses them. Others count up from 1.
inline constexpr std::uint64_t kKeepAliveId = std::uint64_t{1} << 63;

struct Pong {
  static constexpr Kind kKind{5, "Pong", kNowhere, false};
  bool operator==(const Pong&) const = default;
};

struct GetGenesis {  // → Genesis
  static constexpr Kind kKind{10, "GetGenesis", kAtJoin | kAtWork, false};
  bool operator==(const GetGenesis&) const = default;
};

struct Genesis {  // payload: the genesis record
  static constexpr Kind kKind{11, "Genesis", kNowhere, true};
  Hash chain_id;
  bool operator==(const Genesis&) const = default;
};

struct GetHeaders {  // → Headers
  static constexpr Kind kKind{12, "GetHeaders", kAtJoin | kAtWork, false};
  std::uint64_t from_height = 0;
  std::uint32_t count = 0;  // 1 … kMaxHeadersPerReply
  bool operator==(const GetHeaders&) const = default;
};

struct Headers {  // fewer than asked for, or none, at the tip
  static constexpr Kind kKind{13, "Headers", kNowhere, false};
  std::uint64_t from_height = 0;
  std::vector<CertifiedHeader> headers;
  bool operator==(const Headers&) const = default;
};

struct SubmitTransaction {  // → TransactionResult
  static constexpr Kind kKind{14, "SubmitTransaction", kAtJoin | kAtWork, false};
  Bytes transaction;
  bool operator==(const SubmitTransaction&) const = default;
};

struct TransactionResult {
  static constexpr Kind kKind{15, "TransactionResult", kNowhere, false};
  Hash txid;
  std::uint16_t verdict = 0;  // the ledger's; 0 = in block `height`
  std::uint64_t height = 0;
  std::string detail;  // empty, or the verdict's name and one line for a person
  bool operator==(const TransactionResult&) const = default;
};

struct GetAccount {  // → AccountState
  static constexpr Kind kKind{16, "GetAccount", kAtJoin | kAtWork, false};
  AccountId account;
  bool operator==(const GetAccount&) const = default;
};

struct AccountState {
  static constexpr Kind kKind{17, "AccountState", kNowhere, false};
  AccountId account;
  std::uint64_t height = 0;   // as of this block
  std::uint64_t nonce = 0;    // of the account's next transaction
  std::uint64_t balance = 0;  // base units, 9 decimals
  bool exists = false;
  bool registered = false;   // as a worker
  std::string suspension{};  // why its connections are not taken; empty where they are
  bool operator==(const AccountState&) const = default;
};

struct Register {  // → TransactionResult
  static constexpr Kind kKind{18, "Register", kAtJoin, false};
  Bytes transaction;                    // RegisterWorker
  std::array<std::uint8_t, 16> code{};  // of the invitation; zero where enrolment is open
  bool operator==(const Register&) const = default;
};

// Two blocks at one height, both certified: what a worker has found before it stops. `first` is the
// one it had, empty where that is the genesis block.
struct ReportFork {  // → Pong
  static constexpr Kind kKind{19, "ReportFork", kAtJoin | kAtWork, false};
  CertifiedHeader first, second;
  bool operator==(const ReportFork&) const = default;
};

enum class InvitationUse : std::uint8_t { unknown = 0, unused = 1, used = 2, revoked = 3 };

struct GetInvitation {  // → InvitationState; before a registration, which uses the code up
  static constexpr Kind kKind{20, "GetInvitation", kAtJoin | kAtWork, false};
  Hash code_hash;  // SHA-256 of the code, which itself stays with its holder
  bool operator==(const GetInvitation&) const = default;
};

struct InvitationState {
  static constexpr Kind kKind{21, "InvitationState", kNowhere, false};
  InvitationUse use = InvitationUse::unknown;
  AccountId used_by;  // zero but for `used`
  bool operator==(const InvitationState&) const = default;
};

struct GetScaler {  // → FixedScaler, or not_now before it is fixed
  static constexpr Kind kKind{22, "GetScaler", kAtJoin | kAtWork, false};
  bool operator==(const GetScaler&) const = default;
};

// Payload: the transaction that fixed the scaler, as it stands in the block of `block`; its place
// there, and the audit path from it to the header's transactions root.
struct FixedScaler {
  static constexpr Kind kKind{23, "FixedScaler", kNowhere, true};
  CertifiedHeader block;
  std::uint32_t index = 0, transactions = 0;
  std::vector<Hash> path;
  bool operator==(const FixedScaler&) const = default;
};

// ---- work

enum class Phase : std::uint8_t {
  waiting_for_workers = 0,
  training = 1,
  revealing = 2,
  aggregating = 3,
  evaluating = 4,
  settled = 5,
  paused = 6,
  finished = 7,
};
std::string_view phase_name(Phase phase);

struct GetRound {  // → RoundState, and again unasked whenever it changes
  static constexpr Kind kKind{30, "GetRound", kAtWork, false};
  bool operator==(const GetRound&) const = default;
};

struct RoundState {
  static constexpr Kind kKind{31, "RoundState", kNowhere, false};
  std::uint64_t tip_height = 0;
  Hash tip_hash;
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  Phase phase = Phase::waiting_for_workers;
  Hash open_block_hash;  // of the block that holds OpenRound: what commitments name
  Bytes open_round;      // the record; empty outside a round
  Hash evaluate_model;   // root of the model to attest; zero where none is
  std::uint64_t deadline_remaining_ms = 0;  // 0: none is running
  bool commit_asked = false;                // of this worker, in this attempt
  bool reveal_asked = false;
  bool evaluate_asked = false;
  std::uint32_t workers_ready = 0;  // for display
  std::uint32_t workers_needed = 0;
  std::uint32_t updates_committed = 0;
  std::uint32_t updates_revealed = 0;
  bool operator==(const RoundState&) const = default;
};

struct GetBlob {  // → BlobChunk; models and layouts only, never another worker's update
  static constexpr Kind kKind{32, "GetBlob", kAtWork, false};
  Hash root;
  std::uint64_t offset_bytes = 0;
  std::uint32_t length_bytes = 0;  // 1 … kMaxChunkBytes
  bool operator==(const GetBlob&) const = default;
};

struct BlobChunk {  // payload: the bytes at offset, fewer than asked for at the end
  static constexpr Kind kKind{33, "BlobChunk", kNowhere, true};
  Hash root;
  std::uint64_t offset_bytes = 0;
  std::uint64_t total_bytes = 0;
  bool operator==(const BlobChunk&) const = default;
};

struct RevealUpdate {  // → RevealAccepted; opens what CommitUpdate promised
  static constexpr Kind kKind{34, "RevealUpdate", kAtWork, false};
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  Hash root;
  std::uint64_t size_bytes = 0;
  std::uint8_t encoding = 0;  // the ledger's number
  Hash salt;
  bool operator==(const RevealUpdate&) const = default;
};

struct RevealAccepted {
  static constexpr Kind kKind{35, "RevealAccepted", kNowhere, false};
  Hash root;
  std::uint64_t resume_offset_bytes = 0;  // what the coordinator already holds
  std::uint16_t credit = 0;               // chunks that may be unacknowledged
  bool operator==(const RevealAccepted&) const = default;
};

struct UpdateChunk {  // payload: the bytes at offset → ChunkAck, and after the last one → Receipt
  static constexpr Kind kKind{36, "UpdateChunk", kAtWork, true};
  Hash root;
  std::uint64_t offset_bytes = 0;
  bool operator==(const UpdateChunk&) const = default;
};

struct ChunkAck {
  static constexpr Kind kKind{37, "ChunkAck", kNowhere, false};
  Hash root;
  std::uint64_t next_offset_bytes = 0;  // everything before it has arrived
  std::uint16_t credit = 0;
  bool operator==(const ChunkAck&) const = default;
};

struct Receipt {  // the update is synced: its absence from the result is now evidence
  static constexpr Kind kKind{38, "Receipt", kNowhere, false};
  Hash root;
  Bytes receipt;  // signed, the ledger's format
  bool operator==(const Receipt&) const = default;
};

enum class NoticeKind : std::uint8_t {
  paused = 1,
  resumed = 2,
  stopping = 3,
  outcome = 4,
  finished = 5,
  standing = 6,  // why this worker takes no part at the moment
};

struct Notice {
  static constexpr Kind kKind{39, "Notice", kNowhere, false};
  NoticeKind kind = NoticeKind::paused;
  std::uint64_t round = 0;
  std::string text;  // for outcome: this worker's, "accepted, …" or "rejected: norm_too_large, …"
  bool operator==(const Notice&) const = default;
};

struct Progress {  // for display; no answer
  static constexpr Kind kKind{40, "Progress", kAtWork, false};
  std::uint64_t round = 0;
  std::uint32_t done_ppm = 0;  // at most 1,000,000
  std::string text;
  bool operator==(const Progress&) const = default;
};

// What a worker was asked for and will not do in this attempt: nobody need wait. No answer.
enum class Duty : std::uint8_t { training = 0, evaluation = 1 };
struct GiveUp {
  static constexpr Kind kKind{41, "GiveUp", kAtWork, false};
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  Duty duty = Duty::training;
  std::string why;  // one line
  bool operator==(const GiveUp&) const = default;
};

// ---- admin: the owner of the coordinator's home directory, over ipc

struct AdminRequest {  // → AdminReply
  static constexpr Kind kKind{60, "AdminRequest", kAtAdmin, false};
  std::string json;  // one line
  bool operator==(const AdminRequest&) const = default;
};

struct AdminReply {
  static constexpr Kind kKind{61, "AdminReply", kNowhere, false};
  std::string json;  // one line
  bool operator==(const AdminReply&) const = default;
};

using AnyMessage =
    std::variant<Hello, Welcome, Refusal, Ping, Pong, GetGenesis, Genesis, GetHeaders, Headers,
                 SubmitTransaction, TransactionResult, GetAccount, AccountState, Register,
                 ReportFork, GetInvitation, InvitationState, GetScaler, FixedScaler, GetRound,
                 RoundState, GetBlob, BlobChunk, RevealUpdate, RevealAccepted, UpdateChunk,
                 ChunkAck, Receipt, Notice, Progress, GiveUp, AdminRequest, AdminReply>;

// One of them. A type of its own with members compiled once, since copying and destroying 32 kinds
// would otherwise be compiled in every file that holds a message: a quarter of what such a file
// took.
struct Message : AnyMessage {
  using AnyMessage::AnyMessage;
  Message();
  Message(const Message&);
  Message(Message&&) noexcept;
  Message& operator=(const Message&);
  Message& operator=(Message&&) noexcept;
  ~Message();
  bool operator==(const Message&) const;
};

const Kind& kind_of(const Message& message);

// The header frame. Text is made clean for a terminal and cut to its cap; any other field over its
// cap is an error (bad_input) that names it.
Result<Bytes> encode_message(const Message& message, std::uint64_t request_id);

struct DecodedMessage {
  std::uint64_t request_id = 0;  // known as soon as the prefix is readable
  Message message;               // meaningful only without refusal
  std::optional<Refusal> refusal;
  bool ok() const { return !refusal.has_value(); }
};

// Strict: caps, enumerators, clean UTF-8 text, no trailing bytes. Never throws; allocates no more
// than a small multiple of the frame's size.
DecodedMessage decode_message(ByteView frame);

}  // namespace gradmint
