#pragma once
#include <functional>
#include <map>
#include <string>

#include "trainers/trainer.h"

namespace TEMPER_API temper {

/// A copy, in the memory of the device, of the numbers and buffers that a visit lists, to go back to. The visit must
/// list the same things whenever it is called.
class StateCopy {
 public:
  using Visit = std::function<void(StateVisitor&)>;
  /// Copies what `visit` lists now.
  explicit StateCopy(Visit visit);

  /// Copies it again.
  void take();
  /// Writes the copy back.
  void put_back();
  /// Visits the copy itself, as PREFIX and the name: a checkpoint has to hold it, too.
  void visit(StateVisitor& v, const std::string& prefix);

 private:
  Visit visit_;
  std::map<std::string, double> reals_;
  std::map<std::string, int64_t> integers_;
  std::map<std::string, ParamBuffer> buffers_;
};

}  // namespace temper
