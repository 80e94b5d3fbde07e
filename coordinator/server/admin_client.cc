#include "coordinator/server/admin_client.h"

#include "coordinator/protocol/client_transport.h"

namespace gradmint {

Result<nlohmann::json> ask_coordinator(const Home& home, const nlohmann::json& request,
                                       int timeout_ms) {
  const Error nobody{ErrorCode::not_found, "no coordinator runs in " + home.root.string() +
                                               ": start it with gradmint coordinator run --home " +
                                               home.root.string()};
  std::error_code ignored;
  if (!std::filesystem::exists(home.admin_socket(), ignored)) return nobody;
  ClientOptions options;
  options.endpoint = "ipc://" + home.admin_socket().string();
  auto client = ClientTransport::connect(options);
  if (!client) return client.error();
  auto answer = (*client)->request(AdminRequest{request.dump()}, timeout_ms);
  if (!answer) return answer.error().code == ErrorCode::refused ? answer.error() : nobody;
  const auto* reply = std::get_if<AdminReply>(&answer->message);
  auto json =
      reply != nullptr ? nlohmann::json::parse(reply->json, nullptr, false) : nlohmann::json();
  if (!json.is_object()) return Error{ErrorCode::corrupt, "the coordinator's answer is not JSON"};
  if (!json.value("ok", false)) {
    return Error{ErrorCode::refused, json.value("error", std::string("the coordinator refused"))};
  }
  return json;
}

}  // namespace gradmint
