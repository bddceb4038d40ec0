#!/bin/sh
# Prints the command of Docker Compose: the plugin or the program there is; on Debian, as root, installs one first.
set -eu

find_compose() {
  if docker compose version >/dev/null 2>&1; then echo 'docker compose'
  elif command -v docker-compose >/dev/null 2>&1; then echo docker-compose
  else return 1; fi
}

find_compose && exit 0
if grep -qs '^ID=debian$' /etc/os-release && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo 'Installing Docker Compose from Debian packages' >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-compose >/dev/null
  find_compose && exit 0
fi
echo 'Docker Compose is missing: install it, then run make demo again' >&2
exit 1
