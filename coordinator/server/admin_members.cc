// What the owner asks about members over the socket.
#include <algorithm>

#include "contracts/amount.h"
#include "coordinator/server/admin_desk.h"
#include "kernels/base/text.h"

namespace gradmint {

using nlohmann::json;

namespace {

// So that a reply stays below the protocol's bound.
constexpr std::size_t kMembersPerReply = 1000;

json failure(const std::string& text) { return {{"ok", false}, {"error", text}}; }

std::optional<Hash> hash_field(const json& asked, const char* name) {
  const auto field = asked.find(name);
  if (field == asked.end() || !field->is_string()) return std::nullopt;
  return hash_from_hex(field->get<std::string>());
}

json describe_member(const State& state, const AccountId& id, const AccountRecord& account,
                     bool is_member, bool is_there) {
  json line = {{"address", address_of(id)},
               {"account", to_hex(id)},
               {"name", account.name},
               {"registered_height", account.registered_height},
               {"datasets", account.datasets},
               {"rounds_accepted", account.rounds_accepted},
               {"rounds_missed", account.rounds_missed},
               {"balance", contracts::format_amount(account.balance)},
               {"present", is_there}};
  const auto suspension = get<SuspensionRecord>(state, state_key::suspension(id));
  line["state"] = suspension              ? "suspended"
                  : is_member             ? "member"
                  : account.datasets == 0 ? "no_dataset"
                                          : "surplus";
  if (suspension) {
    line["reason"] = suspend_reason_name(suspension->reason);
    line["text"] = suspension->text;
    line["suspended_height"] = suspension->height;
  }
  if (const auto rotation = get<RotationRecord>(state, state_key::rotation(id))) {
    line["rotation_due_height"] = rotation->due_height;
    line["asked_public_key"] = to_hex(rotation->public_key);
    line["asked_curve_key"] = to_hex(rotation->curve_key);
  }
  return line;
}

}  // namespace

namespace {

// {"members"|"workers": a line for each registered worker, or for the one that was asked for;
// "more"}
template <class Describe>
json list_workers(const State& state, const json& asked, const char* name,
                  const Describe& describe) {
  const std::optional<Hash> one = hash_field(asked, "account"), after = hash_field(asked, "after");
  json lines = json::array();
  bool more = false;
  if (one) {
    const auto account = get<AccountRecord>(state, state_key::account(*one));
    if (account && account->is_worker) lines.push_back(describe(*one, *account));
  } else {
    state.scan(state_key::kAccountPrefix, [&](const std::string& key, const Bytes& value) {
      const AccountId id = id_of_key(key);
      if (more || (after && id <= *after)) return;
      const auto account = decode_record<AccountRecord>(value);
      if (!account || !account->is_worker) return;
      more = lines.size() == kMembersPerReply;
      if (!more) lines.push_back(describe(id, *account));
    });
  }
  return {{"ok", true}, {name, lines}, {"more", more}};
}

}  // namespace

json AdminDesk::members(const json& asked, std::uint64_t now_ms) const {
  const State& state = orderer_.chain().state();
  const std::vector<AccountId>& members = driver_.machine().view().members;
  json reply =
      list_workers(state, asked, "members", [&](const AccountId& id, const AccountRecord& account) {
        return describe_member(state, id, account,
                               std::binary_search(members.begin(), members.end(), id),
                               driver_.machine().present(id, now_ms));
      });
  reply["height"] = orderer_.chain().height();
  return reply;
}

json AdminDesk::workers(const json& asked, std::uint64_t now_ms) const {
  json reply = list_workers(orderer_.chain().state(), asked, "workers",
                            [&](const AccountId& id, const AccountRecord& account) {
                              return roster_.line(id, account, now_ms);
                            });
  const auto& round = driver_.machine().view().round;
  reply["round"] = round ? round->round : 0;
  return reply;
}

// Queues what a validator says about a member; the answer comes with its block.
std::optional<json> AdminDesk::say_about_member(const std::string& op, const json& asked,
                                                std::uint64_t ticket) {
  const auto account = hash_field(asked, "account");
  if (!account) return failure("'account' must be 64 hexadecimal digits");
  if (op == "suspend") {
    const std::string text = asked.value("text", std::string());
    if (text.empty() || text.size() > kMaxMemoBytes || !is_clean_text(text)) {
      return failure("a suspension's reason is one line of 1 to " + std::to_string(kMaxMemoBytes) +
                     " bytes");
    }
    const SuspendMember body{*account, SuspendReason::operator_decision, text};
    orderer_.propose(TxType::suspend_member, encode_record(body), ticket);
  } else if (op == "readmit") {
    orderer_.propose(TxType::readmit_member, encode_record(ReadmitMember{*account}), ticket);
  } else {
    const auto public_key = hash_field(asked, "public_key"),
               curve_key = hash_field(asked, "curve_key");
    if (!public_key || !curve_key) {
      return failure("'public_key' and 'curve_key' must be 64 hexadecimal digits each");
    }
    const RotateKey body{*account, *public_key, *curve_key};
    orderer_.propose(TxType::rotate_key, encode_record(body), ticket);
  }
  return std::nullopt;
}

}  // namespace gradmint
