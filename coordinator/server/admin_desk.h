// What the owner of the home directory asks over its socket: JSON in, JSON out, one line each.
//   {"op":"status"|"pause"|"resume"|"stop"}  {"op":"account","account":HEX}
//   {"op":"submit","transaction":HEX}
//   {"op":"members"[,"account":HEX][,"after":HEX]}  {"op":"suspend","account":HEX,"text":TEXT}
//   {"op":"readmit","account":HEX}  {"op":"rotate","account":HEX,"public_key":HEX,"curve_key":HEX}
#pragma once

#include "coordinator/server/join_desk.h"
#include "coordinator/server/round_driver.h"

namespace gradmint {

class AdminDesk {
 public:
  AdminDesk(Orderer& orderer, RoundDriver& driver, JoinDesk& join, const Reporter& reporter,
            std::string join_endpoint, std::string work_endpoint)
      : orderer_(orderer),
        driver_(driver),
        join_(join),
        reporter_(reporter),
        join_endpoint_(std::move(join_endpoint)),
        work_endpoint_(std::move(work_endpoint)) {}

  // No answer yet for a statement that waits for its block (see reply_of).
  std::optional<AdminReply> answer(const AdminRequest& request, std::uint64_t ticket,
                                   std::uint64_t now_ms);
  bool stop_requested() const { return stop_requested_; }

 private:
  nlohmann::json status(std::uint64_t now_ms) const;
  nlohmann::json account(const nlohmann::json& request) const;
  std::optional<nlohmann::json> submit(const nlohmann::json& request, std::uint64_t ticket);

  nlohmann::json members(const nlohmann::json& request, std::uint64_t now_ms) const;
  std::optional<nlohmann::json> say_about_member(const std::string& op,
                                                 const nlohmann::json& request,
                                                 std::uint64_t ticket);

  Orderer& orderer_;
  RoundDriver& driver_;
  JoinDesk& join_;
  const Reporter& reporter_;
  std::string join_endpoint_, work_endpoint_;
  bool stop_requested_ = false;
};

// The admin form of a transaction's fate.
AdminReply reply_of(const TransactionResult& result);

}  // namespace gradmint
