#!/bin/sh
# Makes sure that a Docker engine answers: uses the one there is; on Debian, as root, installs and starts one.
set -eu

LOG=/var/log/dockerd.log
PATIENCE_SECONDS=60

answers() { command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1; }

give_up() {
  echo "$1. The image, the demonstration and the tests with containers need a Docker engine; make test-unit runs without." >&2
  exit 1
}

is_debian() { grep -qs '^ID=debian$' /etc/os-release && command -v apt-get >/dev/null 2>&1; }

install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

install_engine() {
  echo 'Installing Docker from Debian packages' >&2
  apt-get update -qq
  install docker.io iptables ca-certificates
  # Newer releases of Debian have the command in a package of its own.
  command -v docker >/dev/null 2>&1 || install docker-cli
}

start_engine() {
  echo 'Starting the Docker engine' >&2
  if [ -d /run/systemd/system ]; then
    systemctl start docker
  else
    setsid dockerd >"$LOG" 2>&1 </dev/null &
  fi
}

wait_for_engine() {
  polls=$((PATIENCE_SECONDS * 5))
  until answers; do
    polls=$((polls - 1))
    if [ "$polls" = 0 ]; then
      tail -n 5 "$LOG" >&2 2>/dev/null || true
      give_up "The Docker engine did not answer within $PATIENCE_SECONDS seconds"
    fi
    sleep 0.2
  done
}

answers && exit 0
[ -z "${DOCKER_HOST:-}" ] || give_up "No Docker engine answers at $DOCKER_HOST"
is_debian || give_up 'No Docker engine answers: install and start one'
[ "$(id -u)" = 0 ] || give_up 'No Docker engine answers: start one, or run this as root to have it installed'
if ! command -v dockerd >/dev/null 2>&1 || ! command -v docker >/dev/null 2>&1; then install_engine; fi
# Installing may have started it already.
answers || start_engine
wait_for_engine
