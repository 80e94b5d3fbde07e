// The client of an evaluator that never answers must still end at once.
#include "coordinator/server/evaluator.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

using namespace gradmint;
using Clock = std::chrono::steady_clock;

TEST_CASE("an evaluator that is asked something ends with its client, in whatever moment") {
  std::string pattern = (std::filesystem::temp_directory_path() / "gradmint-XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const std::filesystem::path folder = pattern;
  const auto begin = Clock::now();
  for (int i = 0; i < 40; ++i) {
    const auto file = folder / std::to_string(i);
    EvaluatorClient client("sh -c 'touch " + file.string() + "; exec sleep 600'", {}, 600'000,
                           [](std::uint64_t, const Result<Figures>&) {});
    client.ask({1, "parameters"});
    // With its child running in every second turn; in the others before, while or after it starts.
    while (i % 2 == 0 && !std::filesystem::exists(file)) std::this_thread::yield();
  }
  CHECK(Clock::now() - begin < std::chrono::seconds(60));
  std::filesystem::remove_all(folder);
}

TEST_CASE("an evaluator is asked for a file's figures, and told how long it is waited for") {
  std::promise<Result<Figures>> answered;
  EvaluatorClient client(
      R"(sh -c 'read -r question
         [ "$question" = "{\"deadline_s\":90.5,\"id\":3,\"parameters\":\"blob\"}" ] &&
           echo "{\"id\":3,\"examples\":7,\"metrics\":{\"loss\":0.25,\"dice\":null}}"')",
      {}, 90'500, [&](std::uint64_t round, Result<Figures> figures) {
        CHECK(round == 3);
        answered.set_value(std::move(figures));
      });
  client.ask({3, "blob"});
  const auto figures = answered.get_future().get();
  REQUIRE_MESSAGE(figures.ok(), figures.error().message);
  CHECK(figures->examples == 7);
  CHECK(figures->metrics == Metrics{{"dice", std::nullopt}, {"loss", 250'000}});
}
