#!/usr/bin/env bash
# Builds the kernel tests for 64-bit ARM into build-neon and runs them in an emulator, where both are installed
# (Debian: g++-aarch64-linux-gnu qemu-user googletest). Arguments go to the test program; without any, the tables that
# the host tests as well are left out. Exit code 77: not installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in aarch64-linux-gnu-g++ qemu-aarch64; do
  command -v "$tool" > /dev/null || {
    echo "$tool is not installed: the ARM kernels are not tested." >&2
    exit 77
  }
done
cmake -S tests/neon -B build-neon -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O2 \
  -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/neon/aarch64.cmake" > /dev/null
ninja -C build-neon ops_tests > build-neon/build.log || {
  cat build-neon/build.log
  exit 1
}
(($# > 0)) || set -- --gtest_filter=-*/reference
exec qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu build-neon/ops_tests "$@"
