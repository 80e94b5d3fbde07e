#include <doctest/doctest.h>

#include "worker/session/console.h"

using namespace gradmint;

TEST_CASE("the bar of a worker stays on one row of its terminal") {
  const session::Show state{12, "training, batch 4 of 10, loss 0.4213", 400'000};
  CHECK(session::bar_text(state, 200) ==
        "round 12 [#########...............] 40 % training, batch 4 of 10, loss 0.4213");
  for (const std::size_t columns : {20u, 39u, 79u, 109u, 199u}) {
    CAPTURE(columns);
    const std::string text = session::bar_text(state, columns);
    CHECK(text.size() <= columns);
    CHECK(text.starts_with("round 12 "));
    CHECK((text.find('[') == std::string::npos) == (columns < 60));
  }
}
