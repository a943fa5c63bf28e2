# Sourced by ./run and ./test: installs what a build needs and configures it. Everything is said on stderr, so that
# stdout belongs to the program.

say() { printf '%s\n' "$*" >&2; }

build_packages=(
  g++ cmake ninja-build pkg-config
  libfmt-dev nlohmann-json3-dev libcli11-dev
  libdnnl-dev libtomlplusplus-dev prometheus-cpp-dev
  libpcre2-dev libutf8proc-dev libboost1.81-dev libssl-dev libsqlite3-dev libpq-dev ca-certificates
)
web_packages=(nodejs npm)
browser_packages=(chromium)
test_packages=(libgtest-dev librapidcheck-dev postgresql openmpi-bin)
fuzz_packages=(clang-16 libclang-rt-16-dev)

# missing_packages PACKAGE…: those that are not installed.
missing_packages() {
  local package installed
  installed=" $(dpkg-query --show --showformat '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true)"
  for package in "$@"; do
    [[ $installed == *" installed:$package "* ]] || printf '%s\n' "$package"
  done
}

# install_packages PACKAGE…: through apt where something is missing, with sudo where the user is not root.
install_packages() {
  local missing as_root=()
  if ! command -v apt-get > /dev/null; then
    say "No apt-get here: assuming that the equivalents of these Debian packages are installed: $*"
    return 0
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    if ! command -v sudo > /dev/null; then
      say "These packages are missing and there is no sudo to install them with: ${missing[*]}"
      return 1
    fi
    as_root=(sudo)
  fi
  say "Installing with apt: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2 || say "apt-get update failed; trying with the package lists there are."
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# install_web_packages: what builds the page. Node.js from elsewhere than apt is as good; without any, there is no page.
install_web_packages() {
  command -v npm > /dev/null || install_packages "${web_packages[@]}" ||
    say "The program is built without its web interface: Node.js and npm could not be installed."
}

# A compiler cache where there is one.
if command -v ccache > /dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache}
fi
