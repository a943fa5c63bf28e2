#!/usr/bin/env bash
# Builds the page into OUTPUT (a folder) and the C++ file that holds it. Where the packages it is made of cannot be had
# (no network, no npm), the program gets a plain page that says so, and everything else of it works.
#   scripts/build.sh OUTPUT
set -euo pipefail
web=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$1"
output=$(cd "$1" && pwd)

# One at a time: build folders share node_modules and the built page.
mkdir -p "$web/.cache"
exec 9> "$web/.cache/lock"
flock 9

without_page() {
  echo "$1: the program will answer with a plain page instead of the web interface." >&2
  cp "$web/no_page.cpp" "$output/web_files.cpp"
  exit 0
}

command -v npm > /dev/null || without_page "npm is missing"
cd "$web"
if [[ ! node_modules/.package-lock.json -nt package-lock.json ]]; then
  # npm 11 takes a lock file for incomplete where a registry lacks packages of other systems; `install` does not mind,
  # and takes the locked versions too.
  export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
  npm ci --no-audit --no-fund --loglevel=silent >&2 ||
    npm install --no-save --no-audit --no-fund --loglevel=error >&2 ||
    without_page "npm could not install what the web interface is made of (see above)"
  touch node_modules/.package-lock.json
fi

inputs=$(find src public scripts index.html package-lock.json tsconfig.json vite.config.ts -type f -print0 | sort -z |
  xargs -0 sha256sum | sha256sum)
if [[ ! -e dist/index.html || $(cat .cache/dist.stamp 2> /dev/null) != "$inputs" ]]; then
  npm run --silent build -- --logLevel warn >&2
  printf '%s\n' "$inputs" > .cache/dist.stamp
fi
rm -rf "$output/dist"
cp -r dist "$output/dist"
node scripts/embed.mjs "$output/dist" "$output/web_files.cpp"
