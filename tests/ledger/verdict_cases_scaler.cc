// Sums of the sites, and the scaler that follows from them.
#include "tests/ledger/scaler_world.h"
#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

// Each row has a chain of its own, whose scaler comes from the sites.
enum class Point { enrolled, stated, fixed };
World at(Point point) {
  World w(world_with_sites({}));
  w.enrol();
  if (point == Point::enrolled) return w;
  for (int i = 0; i < 3; ++i) w.must(w.workers[static_cast<std::size_t>(i)], sums_body(w, i));
  if (point == Point::stated) return w;
  w.must(w.validator(), scaler_body(w));
  return w;
}

Case sums(std::string_view what, Point point, std::function<void(StateSums&)> change, V expected,
          int worker = 3) {
  return {what, Stage::fresh,
          [=](World&) {
            World w = at(point);
            StateSums body = sums_body(w, worker);
            change(body);
            return w.ask(w.workers[static_cast<std::size_t>(worker)], body);
          },
          expected};
}

Case fix(std::string_view what, Point point, std::function<void(FixScaler&)> change, V expected) {
  return {what, Stage::fresh,
          [=](World&) {
            World w = at(point);
            FixScaler body =
                point == Point::stated ? scaler_body(w) : scaler_body(at(Point::stated));
            change(body);
            return w.ask(w.validator(), body);
          },
          expected};
}

std::vector<Case> statement_cases() {
  const auto as_it_is = [](StateSums&) {};
  return {
      sums("sums, as they are", Point::enrolled, as_it_is, V::ok),
      sums("sums after others", Point::stated, as_it_is, V::ok),
      sums("sums, a second time", Point::stated, as_it_is, V::duplicate, 0),
      sums(
          "other sums, a second time", Point::stated,
          [](StateSums& body) { body.columns[0].squares += 1; }, V::duplicate, 0),
      sums("sums after the scaler is fixed", Point::fixed, as_it_is, V::late),
      sums(
          "sums over no rows", Point::enrolled, [](StateSums& body) { body.rows = 0; },
          V::too_few_rows),
      sums(
          "sums over nine rows", Point::enrolled,
          [](StateSums& body) {
            body.rows = 9;
            body.columns.assign(2, {});
          },
          V::too_few_rows),
      sums(
          "sums over ten", Point::enrolled,
          [](StateSums& body) {
            body.rows = 10;
            body.columns.assign(2, {});
          },
          V::ok),
      sums(
          "sums over all samples", Point::enrolled,
          [](StateSums& body) { body.rows = World::kSamples; }, V::ok),
      sums(
          "sums over more than the manifest has", Point::enrolled,
          [](StateSums& body) { body.rows = World::kSamples + 1; }, V::too_many_examples),
      sums(
          "sums of nobody's samples", Point::enrolled,
          [](StateSums& body) { body.dataset = hash_of("none"); }, V::unknown_dataset),
      sums(
          "sums of a column less", Point::enrolled,
          [](StateSums& body) { body.columns.pop_back(); }, V::wrong_columns),
      sums(
          "sums of a column more", Point::enrolled,
          [](StateSums& body) { body.columns.push_back({}); }, V::wrong_columns),
      sums(
          "sums of no column", Point::enrolled, [](StateSums& body) { body.columns.clear(); },
          V::wrong_columns),
      sums(
          "squares too small for their sum", Point::enrolled,
          [](StateSums& body) {
            body.columns[1] = {I128{static_cast<std::int64_t>(body.rows)} * 10,
                               U128{body.rows} * 100 - 1};
          },
          V::impossible_sums),
      sums(
          "squares of a constant", Point::enrolled,
          [](StateSums& body) {
            body.columns[1] = {I128{static_cast<std::int64_t>(body.rows)} * 10,
                               U128{body.rows} * 100};
          },
          V::ok),
      sums(
          "a sum beyond what such rows have", Point::enrolled,
          [](StateSums& body) {
            const auto rows = static_cast<std::int64_t>(body.rows);
            body.columns[0] = {I128{rows} * 1'000'000'000'000'000 + 1, ~U128{0} / 4};
          },
          V::impossible_sums),
      sums(
          "squares beyond what such rows have", Point::enrolled,
          [](StateSums& body) { body.columns[0].squares = ~U128{0}; }, V::impossible_sums),
      {"another's samples", Stage::fresh,
       [](World&) {
         World w = at(Point::enrolled);
         StateSums body = sums_body(w, 0);
         return w.ask(w.workers[1], body);
       },
       V::unknown_dataset},
      {"sums of a suspended worker", Stage::fresh,
       [](World&) {
         World w = at(Point::enrolled);
         w.must(w.validator(),
                SuspendMember{w.workers[0].account(), SuspendReason::operator_decision, "left"});
         return w.ask(w.workers[0], sums_body(w, 0));
       },
       V::suspended},
      {"sums where the contract has its scaler", Stage::enrolled,
       [](World& w) { return w.ask(w.workers[0], sums_body(w, 0)); }, V::not_asked},
      {"regression: sums without the target", Stage::fresh,
       [](World&) {
         World w(world_with_sites({}, "regression"));
         w.enrol();
         StateSums body = sums_body(w, 0);
         body.columns.pop_back();
         return w.ask(w.workers[0], body);
       },
       V::wrong_columns},
      {"regression: sums with the target's last", Stage::fresh,
       [](World&) {
         World w(world_with_sites({}, "regression"));
         w.enrol();
         return w.ask(w.workers[0], sums_body(w, 0));
       },
       V::ok},
  };
}

std::vector<Case> fixing_cases() {
  const auto as_it_is = [](FixScaler&) {};
  return {
      fix("a scaler, as it follows", Point::stated, as_it_is, V::ok),
      fix(
          "a scaler of as many sites as wanted", Point::stated,
          [](FixScaler& body) { body.least_sites = 3; }, V::ok),
      fix(
          "a scaler of fewer sites than wanted", Point::stated,
          [](FixScaler& body) { body.least_sites = 4; }, V::too_few_sites),
      fix(
          "a scaler of no site wanted", Point::stated,
          [](FixScaler& body) { body.least_sites = 0; }, V::malformed),
      fix("a scaler before anybody has stated anything", Point::enrolled, as_it_is,
          V::wrong_members),
      fix(
          "a scaler of nobody", Point::enrolled, [](FixScaler& body) { body.sites.clear(); },
          V::too_few_sites),
      fix(
          "a scaler without one of the sites", Point::stated,
          [](FixScaler& body) { body.sites.pop_back(); }, V::wrong_members),
      fix(
          "a scaler with a site that has stated nothing", Point::stated,
          [](FixScaler& body) {
            body.sites.push_back(key_of("worker 3").account());
            std::sort(body.sites.begin(), body.sites.end());
          },
          V::wrong_members),
      fix(
          "sites out of order", Point::stated,
          [](FixScaler& body) { std::swap(body.sites[0], body.sites[1]); }, V::malformed),
      fix(
          "a row more", Point::stated, [](FixScaler& body) { body.rows += 1; }, V::wrong_scaler),
      fix(
          "a mean one bit off", Point::stated, [](FixScaler& body) { body.columns[0].mean ^= 1; },
          V::wrong_scaler),
      fix(
          "a scale one bit off", Point::stated, [](FixScaler& body) { body.columns[1].scale ^= 1; },
          V::wrong_scaler),
      fix(
          "a column less", Point::stated, [](FixScaler& body) { body.columns.pop_back(); },
          V::wrong_scaler),
      fix("a scaler, a second time", Point::fixed, as_it_is, V::duplicate),
      {"a worker fixes the scaler", Stage::fresh,
       [](World&) {
         World w = at(Point::stated);
         return w.ask(w.workers[0], scaler_body(w));
       },
       V::not_authorised},
      {"a scaler where the contract has one", Stage::enrolled,
       [](World& w) { return w.ask(w.validator(), scaler_body(at(Point::stated))); }, V::not_asked},
      {"a round before the scaler", Stage::fresh,
       [](World&) {
         World w = at(Point::stated);
         return w.ask(w.validator(), w.open_body());
       },
       V::scaler_missing},
      {"a round after it", Stage::fresh,
       [](World&) {
         World w = at(Point::fixed);
         return w.ask(w.validator(), w.open_body());
       },
       V::ok},
  };
}

}  // namespace

std::vector<Case> scaler_cases() {
  std::vector<Case> all = statement_cases();
  for (Case& each : fixing_cases()) all.push_back(std::move(each));
  return all;
}

}  // namespace gradmint::test
