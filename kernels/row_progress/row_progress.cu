#include "kernels/row_progress/row_progress.h"

#include "kernels/runtime/map.h"

namespace temper {

namespace {

template <class T>
struct Advance {
  RowLimits<T> limits;
  TEMPER_HD void operator()(int64_t i, int32_t& active, int32_t& wrong, int32_t& steps, int32_t& queries) const {
    const bool begins = limits.step == 0, was_active = begins || active;
    const int most = limits.row_steps && limits.row_steps[i] < limits.steps ? limits.row_steps[i] : limits.steps;
    wrong = (begins ? 0 : wrong) + (was_active && limits.success && limits.success[i] != T(0));
    active = was_active && wrong <= limits.patience && limits.step < most;
    queries += was_active;
    steps += active;
  }
};

struct Add {
  int32_t value;
  TEMPER_HD void operator()(int64_t, int32_t& y) const { y += value; }
};

}  // namespace

template <class T>
void advance_rows(Stream stream, int64_t n, const RowProgress& rows, const RowLimits<T>& limits) {
  const KernelRange range(stream, "advance_rows", {n});
  map(stream, n, Advance<T>{limits}, rows.active, rows.wrong, rows.steps, rows.queries);
}

void add_to_rows(Stream stream, int64_t n, int32_t* y, int32_t value) {
  const KernelRange range(stream, "add_to_rows", {n});
  map(stream, n, Add{value}, y);
}

template void advance_rows<float>(Stream, int64_t, const RowProgress&, const RowLimits<float>&);
template void advance_rows<double>(Stream, int64_t, const RowProgress&, const RowLimits<double>&);

}  // namespace temper
