#!/bin/sh
# Prints the path of a Chromium: the one there is; on Debian, as root, installs one first.
set -eu

APPLICATIONS='/Applications/Chromium.app/Contents/MacOS/Chromium
/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'

find_chromium() {
  for name in ${CHROMIUM:-} chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name"; then return 0; fi
  done
  echo "$APPLICATIONS" | while read -r path; do
    if [ -x "$path" ]; then echo "$path"; fi
  done | head -n 1 | grep .
}

is_debian() { grep -qs '^ID=debian$' /etc/os-release && command -v apt-get >/dev/null 2>&1; }

find_chromium && exit 0
if is_debian && [ "$(id -u)" = 0 ]; then
  echo 'Installing Chromium from Debian packages' >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
  find_chromium && exit 0
fi
echo 'Chromium is missing: install it, or name one in CHROMIUM, then run make test-browser again' >&2
exit 1
