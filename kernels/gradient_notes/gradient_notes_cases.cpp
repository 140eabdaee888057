#include "kernels/gradient_notes/gradient_notes.h"

#include <cmath>

#include "kernels/fill/fill.h"
#include "kernels/finite_gate/finite_gate.h"
#include "kernels/runtime/case.h"

namespace temper {
namespace {

/// What is done to the gradient of the last row: all of it made `value`, or its last element.
enum class Spoil { nothing, row, element };

template <class T>
void note_case(int64_t rows, int cols, Spoil spoil, double value, double loss) {
  const DType t = dtype_of<T>();
  const int64_t n = rows * cols;
  const int64_t from = spoil == Spoil::row ? n - cols : n - 1, count = spoil == Spoil::row ? cols : 1;
  const bool zero = spoil == Spoil::row && value == 0;
  const bool bad = !std::isfinite(loss) || (spoil != Spoil::nothing && !std::isfinite(value));
  add_case({.kernel = "gradient_notes",
            .name = cat("note/", name(t), "/", rows, "x", cols,
                        spoil == Spoil::nothing ? ""
                        : spoil == Spoil::row   ? "/last row "
                                                : "/last element ",
                        spoil == Spoil::nothing ? "" : cat(value), "/value=", loss),
            .arrays = {{"notes", Role::inout, DType::i32, rows, 0, 3},
                       {"gradient", Role::scratch, t, n},
                       {"values", Role::scratch, t, rows}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  fill<T>(s, n, a.get<T>(1), T(-1e-30));
                  fill<T>(s, rows, a.get<T>(2), T(1));
                  if (rows > 0) fill<T>(s, 1, a.get<T>(2) + rows - 1, T(loss));
                  if (rows > 0 && spoil != Spoil::nothing) fill<T>(s, count, a.get<T>(1) + from, T(value));
                  note_gradients<T>(s, rows, cols, a.get<int32_t>(0), a.get<T>(1), a.get<T>(2));
                },
            .reference =
                [=](auto& a) {
                  if (rows == 0) return;
                  const int before = static_cast<int>(a[0][rows - 1]);
                  a[0][rows - 1] = before | (zero ? kZeroGradient : 0) | (bad ? kNotFinite : 0);
                },
            .tolerance = 0});
}

template <class T>
void timed_case(int64_t rows, int cols) {
  const DType t = dtype_of<T>();
  add_case(
      {.kernel = "gradient_notes",
       .axes = {{"op", "note"}, {"dtype", t}, {"shape", cat(rows, "x", cols)}},
       .arrays = {{"notes", Role::inout, DType::i32, rows, 0, 3},
                  {"gradient", Role::in, t, rows * cols},
                  {"values", Role::in, t, rows}},
       .run = [=](Stream s,
                  const CaseArgs& a) { note_gradients<T>(s, rows, cols, a.get<int32_t>(0), a.get<T>(1), a.get<T>(2)); },
       .reference = [](auto&) {},
       .tolerance = 0,
       .bytes = 1.0 * rows * cols * sizeof(T)});
}

/// The tally of notes counted twice, taken out; infinity, which cannot be compared, goes through a gate.
template <class T>
void tally_case(int64_t rows, int32_t highest) {
  const DType t = dtype_of<T>();
  add_case({.kernel = "gradient_notes",
            .name = cat("tally/", name(t), "/n=", rows, "/notes to ", highest),
            .arrays = {{"sums", Role::out, t, 3},
                       {"finite", Role::out, DType::i32, 1},
                       {"tally", Role::out, DType::i32, 3},
                       {"notes", Role::in, DType::i32, rows, 0, double(highest)}},
            .run =
                [=](Stream s, const CaseArgs& a) {
                  T* sums = a.get<T>(0);
                  int32_t* tally = a.get<int32_t>(2);
                  drain_tally<T>(s, sums, tally);
                  tally_notes(s, rows, tally, a.get<int32_t>(3));
                  tally_notes(s, rows, tally, a.get<int32_t>(3));
                  drain_tally<T>(s, sums, tally);
                  finite_gate<T>(s, 1, sums + 2, a.get<uint32_t>(1));
                  fill<T>(s, 1, sums + 2, T(0));
                },
            .reference =
                [=](auto& a) {
                  a[0] = {2.0 * rows, 0, 0};
                  a[1][0] = 1;
                  a[2] = {0, 0, 0};
                  for (const double note : a[3]) {
                    a[0][1] += 2 * (static_cast<int>(note) & kZeroGradient);
                    if (static_cast<int>(note) & kNotFinite) a[1][0] = 0;
                  }
                },
            .tolerance = 0});
}

template <class T>
void add_cases() {
  for (const auto& [rows, cols] : {std::pair<int64_t, int>{0, 4}, {1, 1}, {3, 31}, {5, 33}, {2, 3072}, {1, 4099}}) {
    note_case<T>(rows, cols, Spoil::nothing, 0, 1);
    note_case<T>(rows, cols, Spoil::nothing, 0, NAN);
    for (const double value : {0.0, double(NAN), double(INFINITY), -double(INFINITY)})
      for (const Spoil spoil : {Spoil::row, Spoil::element})
        if (cols > 1 || spoil == Spoil::row) note_case<T>(rows, cols, spoil, value, 1);
  }
  timed_case<T>(kImages, kImageElements);
  for (const int64_t rows : {int64_t{0}, int64_t{1}, int64_t{33}, int64_t{5000}})
    for (const int32_t highest : {0, 1, 3}) tally_case<T>(rows, highest);
}

const CaseGroup group([] {
  add_cases<float>();
  add_cases<double>();
});

}  // namespace
}  // namespace temper
