#include "coordinator/server/surroundings.h"

#include "coordinator/order/solo_ordering.h"

namespace gradmint {

Surroundings machine_surroundings() {
  Surroundings machine;
  machine.admin =
      [](const std::filesystem::path& run) -> Result<std::shared_ptr<const AdminSocket>> {
    auto socket = AdminSocket::in(run);
    if (!socket) return socket.error();
    return std::shared_ptr<const AdminSocket>(std::make_shared<AdminSocket>(*std::move(socket)));
  };
  machine.bind = [](const ServerOptions& options) -> Result<std::unique_ptr<ServerEnd>> {
    auto transport = ServerTransport::bind(options);
    if (!transport) return transport.error();
    return std::unique_ptr<ServerEnd>(*std::move(transport));
  };
  machine.aggregator = Aggregator::start;
  machine.judge = [](const std::string& command, const EvaluatorClient::Environment& environment,
                     int timeout_ms, ModelJudge::Done done) -> std::unique_ptr<ModelJudge> {
    return std::make_unique<EvaluatorClient>(command, environment, timeout_ms, std::move(done));
  };
  machine.ordering = SoloOrdering::open;
  return machine;
}

}  // namespace gradmint
