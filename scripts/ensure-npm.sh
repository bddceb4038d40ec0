#!/bin/sh
# Makes sure that npm is there. The version of Node behind it does not matter: the project brings its own.
set -eu
command -v npm >/dev/null 2>&1 && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo 'Installing npm from Debian packages' >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm ca-certificates >/dev/null
  exit 0
fi
echo 'npm is missing: install Node.js 20 or later with npm, then run make again' >&2
exit 1
