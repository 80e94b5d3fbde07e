// What can happen to a session, and what it can ask for. Bulk never passes through: updates are
// named by attempt and range, models by their root. Pure.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "coordinator/protocol/payload.h"
#include "worker/session/memory.h"

namespace gradmint::session {

enum class Gate : std::uint8_t { join, work };

// ---- events
// ---------------------------------------------------------------------------------------

struct Started {};
struct Tick {};  // time has passed; a few times a second
struct LinkUp {  // again after each reconnect
  std::uint64_t link = 0;
};
struct LinkDown {
  std::uint64_t link = 0;
  bool key_refused = false;  // the coordinator does not admit this connection key
  std::string why;           // one line
};
struct Arrived {
  std::uint64_t link = 0;
  std::uint64_t ask = 0;  // number of the question it answers; 0: unasked
  Message message;
  Payload payload;
};
struct BlobLooked {  // answers LookForBlob
  Hash root;
  bool complete = false;
  std::uint64_t held_bytes = 0;  // of a download that was cut short
};
struct BlobFinished {  // answers FinishBlob
  Hash root;
  bool intact = false;
};
struct ModelChecked {       // answers CheckModel
  std::string fault;        // empty: this worker can train it
  RegisterDataset dataset;  // on these samples
  bool attests = true;      // it has held-out samples, or a program that judges models
};
struct TaskChecked {  // answers CheckTask
  std::string fault;  // empty: it can
};
struct DataSummed {         // answers SumData
  std::string fault;        // empty: there are sums
  RegisterDataset dataset;  // of these samples
  StateSums sums;           // without the dataset's name
};
struct TrainingProgressed {
  AttemptKey key;
  std::uint32_t done_ppm = 0;
  std::string text;
};
struct TrainedUpdate {
  Hash root;
  std::uint64_t size_bytes = 0;
  std::int16_t exponent = 0;
  std::uint64_t examples = 0, steps = 0;
  Metrics metrics;          // of the training
  std::string remark = {};  // what its owner should look at (ledger/model/buffers.h); may be empty
};
struct TrainingEnded {
  AttemptKey key;
  std::optional<TrainedUpdate> update;
  std::string fault;          // when there is none
  bool ends_session = false;  // the same would happen in every round
};
struct EvaluationEnded {
  Hash model_root;
  bool ok = false;
  Metrics metrics;
  std::uint64_t examples = 0;
  std::string fault;
};
struct ForkSaved {  // answers SaveForkEvidence
  std::string file;
  CertifiedHeader first;  // the one kept before; empty where that is the genesis block
};
struct StopRequested {};

using Event = std::variant<Started, Tick, LinkUp, LinkDown, Arrived, BlobLooked, BlobFinished,
                           ModelChecked, TaskChecked, TrainingProgressed, TrainingEnded,
                           EvaluationEnded, ForkSaved, StopRequested, DataSummed>;

// ---- effects: carried out in their order. One that fails for the disk ends the session.
// ----------

struct OpenLink {  // in place of the one before
  std::uint64_t link = 0;
  Gate gate = Gate::join;
  std::string endpoint;
};
struct UpdateSlice {  // the bytes that go with an UpdateChunk
  AttemptKey key;
  std::uint64_t offset_bytes = 0;
  std::uint32_t length_bytes = 0;
};
struct Send {  // may get lost; the session asks again
  std::uint64_t ask = 0;
  Message message;
  std::optional<UpdateSlice> slice;
};
struct SaveGenesis {
  Bytes genesis;
};
struct SaveHeader {
  std::uint64_t height = 0;
  CertifiedHeader header;
};
struct SaveForkEvidence {  // beside the header of that height that SaveHeader kept
  std::uint64_t height = 0;
  CertifiedHeader other;
};
struct LookForBlob {
  Hash root;
};
struct WriteBlob {
  Hash root;
  std::uint64_t offset_bytes = 0;
  Payload bytes;
};
struct FinishBlob {  // compare with its root, sync, give it its name
  Hash root;
};
struct KeepModels {  // others may be deleted
  std::vector<Hash> roots;
};
struct CheckTask {  // before it registers: does what the user gave fit the task?
  GenesisRecord genesis;
};
struct CheckModel {  // can this worker train what the genesis names?
  GenesisRecord genesis;
  std::vector<ScalerBits> scaler = {};  // the one that the sites gave
};
struct SumData {  // for the scaler that comes from the sites
  GenesisRecord genesis;
};
struct SaveSums {  // synced before the next effect
  StateSums sums;
};
struct StartTraining {
  AttemptKey key;
  AccountId worker;  // who trains: no two draw the same random numbers
  Hash model_root;
  Hash previous_model_root;  // of the round before, zero when unknown
  TrainingSpec training;
  EncodingSpec encoding;
  std::uint64_t deadline_ms = 0;  // from now; 0: none
};
struct CancelTraining {};
struct SaveUpdate {  // synced, payload included, before the next effect
  UpdateMemory update;
};
struct SaveReceipt {
  AttemptKey key;
  Bytes receipt;
};
struct StartEvaluation {
  Hash model_root;
  std::uint64_t round = 0;
  std::uint64_t deadline_ms = 0;  // from now; 0: none
};
struct SaveEvaluation {
  EvaluationMemory evaluation;
};
struct Say {  // one line for a person
  bool warning = false;
  std::string text;
};
struct Show {  // where the round stands, for a bar
  std::uint64_t round = 0;
  std::string doing;
  std::uint32_t done_ppm = 0;
};
struct Stop {  // the last effect of a session
  int exit_code = 0;
  std::string text;
};

using Effect = std::variant<OpenLink, Send, SaveGenesis, SaveHeader, SaveForkEvidence, LookForBlob,
                            WriteBlob, FinishBlob, KeepModels, CheckTask, CheckModel, StartTraining,
                            CancelTraining, SaveUpdate, SaveReceipt, StartEvaluation,
                            SaveEvaluation, Say, Show, Stop, SumData, SaveSums>;
using Effects = std::vector<Effect>;

}  // namespace gradmint::session
