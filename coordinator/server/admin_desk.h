// What the owner of the home directory asks over its socket: JSON in, JSON out, one line each.
//   {"op":"status"|"pause"|"resume"|"stop"}  {"op":"account","account":HEX}
//   {"op":"submit","transaction":HEX}
//   {"op":"members"|"workers"[,"account":HEX][,"after":HEX]}
//   {"op":"suspend","account":HEX,"text":TEXT}
//   {"op":"readmit","account":HEX}  {"op":"rotate","account":HEX,"public_key":HEX,"curve_key":HEX}
#pragma once

#include "coordinator/server/join_desk.h"
#include "coordinator/server/roster.h"
#include "coordinator/server/round_driver.h"

namespace gradmint {

class AdminDesk {
 public:
  struct Endpoints {
    std::string join, work;
    std::string invitations_name;  // the join entrance, as workers reach it
  };
  AdminDesk(Orderer& orderer, RoundDriver& driver, JoinDesk& join, const Roster& roster,
            const Reporter& reporter, Endpoints endpoints)
      : orderer_(orderer),
        driver_(driver),
        join_(join),
        roster_(roster),
        reporter_(reporter),
        endpoints_(std::move(endpoints)) {}

  const Endpoints& endpoints() const { return endpoints_; }

  // No answer yet for a statement that waits for its block (see reply_of).
  std::optional<AdminReply> answer(const AdminRequest& request, std::uint64_t ticket,
                                   std::uint64_t now_ms);
  bool stop_requested() const { return stop_requested_; }

 private:
  nlohmann::json pause(std::uint64_t now_ms);
  nlohmann::json resume(std::uint64_t now_ms);
  nlohmann::json stop();
  nlohmann::json status(std::uint64_t now_ms) const;
  nlohmann::json account(const nlohmann::json& request) const;
  std::optional<nlohmann::json> submit(const nlohmann::json& request, std::uint64_t ticket);

  nlohmann::json members(const nlohmann::json& request, std::uint64_t now_ms) const;
  nlohmann::json workers(const nlohmann::json& request, std::uint64_t now_ms) const;
  std::optional<nlohmann::json> say_about_member(const std::string& op,
                                                 const nlohmann::json& request,
                                                 std::uint64_t ticket);

  Orderer& orderer_;
  RoundDriver& driver_;
  JoinDesk& join_;
  const Roster& roster_;
  const Reporter& reporter_;
  Endpoints endpoints_;
  bool stop_requested_ = false;
};

// The admin form of a transaction's fate.
AdminReply reply_of(const TransactionResult& result);

}  // namespace gradmint
