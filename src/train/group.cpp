#include "train/group.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace sw::train {
namespace {

class Alone final : public Group {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  Status sum(std::span<float>) override { return {}; }
  Status sum(std::span<double>) override { return {}; }
  Status leave() override { return {}; }
};

/// Open MPI by its binary interface, in which every handle is a pointer (mpi.h of versions 1.7 to 5).
class OpenMpi final : public Group {
 public:
  static Result<std::unique_ptr<Group>> join() {
    // Its plug-ins look its symbols up in the whole program.
    void* library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL);
    if (!library)
      return fail("Open MPI's library cannot be loaded: " + std::string(dlerror()), "mpirun", "libmpi.so.40",
                  "Install libopenmpi3, or start without mpirun");
    auto group = std::unique_ptr<OpenMpi>(new OpenMpi);
    bool complete = true;
    const auto find = [&]<class T>(const char* name, T& out) {
      out = reinterpret_cast<T>(dlsym(library, name));
      complete = complete && out;
    };
    int (*initialize)(int*, char***) = nullptr;
    int (*get_rank)(void*, int*) = nullptr;
    int (*get_size)(void*, int*) = nullptr;
    find("MPI_Init", initialize);
    find("MPI_Comm_rank", get_rank);
    find("MPI_Comm_size", get_size);
    find("MPI_Reduce", group->reduce_);
    find("MPI_Bcast", group->broadcast_);
    find("MPI_Finalize", group->finalize_);
    find("ompi_mpi_comm_world", group->world_);
    find("ompi_mpi_float", group->float_);
    find("ompi_mpi_double", group->double_);
    find("ompi_mpi_op_sum", group->add_);
    if (!complete) return fail("libmpi.so.40 is not Open MPI", "mpirun");
    if (initialize(nullptr, nullptr) != 0 || get_rank(group->world_, &group->rank_) != 0 ||
        get_size(group->world_, &group->size_) != 0)
      return fail("the processes of mpirun do not find each other", "MPI_Init");
    return group;
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  Status sum(std::span<float> values) override { return sum(values.data(), values.size(), sizeof(float), float_); }
  Status sum(std::span<double> values) override { return sum(values.data(), values.size(), sizeof(double), double_); }
  Status leave() override {
    if (finalize_() != 0) return fail("the group cannot be left", "MPI_Finalize");
    return {};
  }

 private:
  OpenMpi() = default;

  /// To rank 0 and from there to all: MPI_Allreduce does not promise the same bits everywhere.
  Status sum(void* values, std::size_t n, std::size_t bytes, void* type) {
    constexpr std::size_t most = 1 << 26;  // counts are int
    void* const in_place = reinterpret_cast<void*>(1);
    for (std::size_t done = 0; done < n; done += most) {
      void* const part = static_cast<char*>(values) + done * bytes;
      const int count = static_cast<int>(std::min(most, n - done));
      if (reduce_(leads() ? in_place : part, part, count, type, add_, 0, world_) != 0 ||
          broadcast_(part, count, type, 0, world_) != 0)
        return fail("another process of the group is gone", "mpirun");
    }
    return {};
  }

  int rank_ = 0, size_ = 1;
  int (*reduce_)(const void*, void*, int, void*, void*, int, void*) = nullptr;
  int (*broadcast_)(void*, int, void*, int, void*) = nullptr;
  int (*finalize_)() = nullptr;
  void *world_ = nullptr, *float_ = nullptr, *double_ = nullptr, *add_ = nullptr;
};

}  // namespace

Status Group::wait() {
  double nothing[1] = {0};
  return sum(std::span<double>(nothing));
}

std::unique_ptr<Group> alone() {
  return std::make_unique<Alone>();
}

Result<std::unique_ptr<Group>> join_group() {
  if (!std::getenv("OMPI_COMM_WORLD_SIZE")) return alone();
  return OpenMpi::join();
}

}  // namespace sw::train
