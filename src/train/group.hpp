#pragma once

#include <memory>
#include <span>

#include "base/error.hpp"

namespace sw::train {

/// The processes that train one model together (data parallel): each takes some of every batch's micro-batches through
/// the network, then all have the sum of all gradients and make the same update. One of them, rank 0, leads: it alone
/// writes files and speaks.
class Group {
 public:
  virtual ~Group() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Every process gets the same bits: the sums over all of them. All must call, with as many values.
  virtual Status sum(std::span<float> values) = 0;
  virtual Status sum(std::span<double> values) = 0;
  /// Says that this process is done, so that ending is no failure of the others.
  virtual Status leave() = 0;

  bool leads() const { return rank() == 0; }
  /// Returns when all have called it.
  Status wait();
};

/// This process and no other.
std::unique_ptr<Group> alone();

/// The group that mpirun (Open MPI) started this process in; alone() without mpirun. The library is loaded only then:
/// the program neither needs it to be built nor pays for it otherwise.
Result<std::unique_ptr<Group>> join_group();

}  // namespace sw::train
