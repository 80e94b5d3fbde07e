// Updates as points with squared distances, clip factors and mixing, written for clarity and
// nothing else (see reference.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "tests/kernels/reference.h"

namespace gradmint::test {

using Places = std::vector<std::uint32_t>;
// The last row and column are the start of iterations (the zero vector, or a centre).
using Matrix = std::vector<std::vector<double>>;

// A parameter of a completed rule; -1 where it has none of that name.
double value_of(const kernels::NamedRule& rule, const std::string& name);
std::size_t count_of(const kernels::NamedRule& rule, const std::string& name);

// The updates and, last, the start.
Updates with_start(const Updates& updates, const std::optional<kernels::Row>& centre);

// Dot products of all pairs. The last ones are kept: many rules look at the same updates.
const Matrix& dots_of(const Updates& points);

// The factor of each update after clip and arc; empty without them.
std::vector<double> clips_of(const kernels::AggregateSpec& complete, const Matrix& dots);

// Squared distances of c_i x_i and the start.
Matrix distances(const Updates& points, const Matrix& dots, const std::vector<double>& clips,
                 bool has_centre);

// The places below n that are not in `excluded`.
Places all_but(const Places& excluded, std::size_t n);

// For each update the f farthest from it, by (distance, place).
std::vector<Places> farthest(const Matrix& d, std::size_t n, std::size_t f);

// Distances of the mixtures; the start is mixed of itself alone.
Matrix mixed(const Matrix& d, const std::vector<Places>& excluded);

}  // namespace gradmint::test
