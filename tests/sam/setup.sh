#!/usr/bin/env bash
# Sets up what the SAM tests need and this machine lacks: the tools in .venv, a Docker daemon, and the base image that
# functions run in. It is idempotent, and does only what is not done yet.
#
# It exits with status 0 when everything is in place and a container has run, and with 3 when that is not possible on
# this machine (the last line says why). Any other status is an error. At the end it writes .local/sam.env with
#
#   SAM_ARCHITECTURE    this machine's architecture, for `--parameter-overrides Architecture=…`
#   SAM_HOST_GATEWAY    the host's address as a container sees it, which is what a server for containers must bind to
#   SAM_BASE_IMAGE      `official` or `stand-in`
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly VENV=.venv
readonly REQUIREMENTS=tests/sam/requirements.txt
readonly DOCKERD_LOG=.local/dockerd.log
readonly DOCKERD_WAIT_SECONDS=60
readonly PULL_WAIT_SECONDS=180
readonly STAND_IN_ROOT=.local/sam-base-image
readonly STAND_IN_LABEL=site-credits.stand-in

say() { printf 'sam setup: %s\n' "$*"; }
unavailable() {
  printf 'SAM SETUP IS NOT POSSIBLE HERE: %s\n' "$*" >&2
  exit 3
}

case "$(uname -s)-$(uname -m)" in
  *-x86_64) ARCHITECTURE=x86_64 ;;
  *-aarch64 | *-arm64) ARCHITECTURE=arm64 ;;
  *) unavailable "Lambda has no base image for $(uname -m)" ;;
esac
readonly ARCHITECTURE
readonly IMAGE=public.ecr.aws/lambda/provided:al2023-$ARCHITECTURE
# The image that SAM derives from the base image by adding its Runtime API emulator.
readonly DERIVED_IMAGE=public.ecr.aws/lambda/provided:al2023-rapid-$ARCHITECTURE

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# The package lists are fetched only when a package is needed, and at most once, because that is slow.
PACKAGE_LISTS_FETCHED=no
install_packages() {
  say "installing $*"
  if [ "$PACKAGE_LISTS_FETCHED" = no ]; then
    apt-get update -qq >/dev/null || true
    PACKAGE_LISTS_FETCHED=yes
  fi
  DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# ------------------------------------------------------------------------------------------------------------ the tools
set_up_tools() {
  # The copy is written last, so an interrupted installation is repeated.
  if cmp -s "$REQUIREMENTS" "$VENV/installed-requirements.txt" && "$VENV/bin/sam" --version >/dev/null 2>&1; then
    say "the tools are in $VENV"
    return
  fi
  # On Debian, Python comes without the module that installs pip into a new virtual environment.
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    can_install || unavailable "Python 3 with venv is missing, and only root with apt-get could install it"
    install_packages python3 python3-venv || unavailable "Python 3 with venv is missing and could not be installed"
  fi
  say "installing the tools of $REQUIREMENTS into $VENV"
  python3 -m venv --clear "$VENV"
  "$VENV/bin/pip" install --quiet --disable-pip-version-check --requirement "$REQUIREMENTS" ||
    unavailable "the tools of $REQUIREMENTS could not be installed"
  cp "$REQUIREMENTS" "$VENV/installed-requirements.txt"
}

# ----------------------------------------------------------------------------------------------------------- the daemon
docker_answers() { timeout 10 docker info >/dev/null 2>&1; }

# Starts the daemon with these flags, and returns whether it came up. A daemon that did not is stopped.
start_dockerd() {
  say "starting dockerd${*:+ $*}, which logs to $DOCKERD_LOG"
  printf '%s\n' "--- dockerd $*" >>"$DOCKERD_LOG"
  # Detached, so that neither the end of this script nor a Ctrl-C at the terminal stops it.
  setsid dockerd "$@" >>"$DOCKERD_LOG" 2>&1 </dev/null &
  local pid=$! waited=0
  while [ "$waited" -lt "$DOCKERD_WAIT_SECONDS" ] && kill -0 "$pid" 2>/dev/null; do
    if docker_answers; then
      say "dockerd answers; it stays up for the next run, until 'kill $pid'"
      return 0
    fi
    sleep 1
    waited=$((waited + 1))
  done
  kill "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  return 1
}

set_up_docker() {
  if docker_answers; then
    say "Docker answers"
    return
  fi
  [ "$(id -u)" = 0 ] || unavailable "Docker does not answer, and only root could start it"
  if ! command -v dockerd >/dev/null; then
    can_install || unavailable "Docker is missing, and there is no apt-get to install it with"
    install_packages docker.io || unavailable "Docker is missing and could not be installed"
  fi
  # Newer releases of Debian have the client in a separate package.
  if ! command -v docker >/dev/null; then
    can_install || unavailable "the docker command is missing, and there is no apt-get to install it with"
    install_packages docker-cli || unavailable "the docker command is missing and could not be installed"
  fi
  # Where systemd runs, the package has installed a service.
  if [ -d /run/systemd/system ]; then
    systemctl start docker >/dev/null 2>&1 || true
    if docker_answers; then
      say "the Docker service answers"
      return
    fi
  fi
  # Inside another container the first attempt often fails: overlayfs cannot be nested, and iptables may not be allowed.
  # Neither is needed for a container that talks only to its host.
  start_dockerd ||
    start_dockerd --storage-driver=vfs ||
    start_dockerd --storage-driver=vfs --iptables=false --ip6tables=false ||
    unavailable "dockerd does not come up; the end of $DOCKERD_LOG: $(tail -n 1 "$DOCKERD_LOG")"
}

# ------------------------------------------------------------------------------------------------------------ the image
# A minimal root file system for SAM's emulator, which is one static program, and for a function in Rust: a shell with
# the usual commands, the C library and its loader from this machine, and the folders of the official image. Functions
# are linked against a C library that is older than this machine's and the official image's, so both can run them.
write_stand_in() {
  local root=$1 busybox applet loader library libraries
  # It must be static: a dynamically linked one would need more of this machine's libraries.
  if ! busybox=$(command -v busybox) || ldd "$busybox" >/dev/null 2>&1; then
    can_install || unavailable "$IMAGE cannot be pulled, and only root with apt-get could install busybox-static"
    install_packages busybox-static || unavailable "$IMAGE cannot be pulled, and busybox-static cannot be installed"
    busybox=$(command -v busybox)
  fi
  mkdir -p "$root"/{bin,etc,opt,tmp,var/runtime,var/task}
  chmod 1777 "$root/tmp"
  cp "$busybox" "$root/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"
  done
  # The loader searches the paths at which this machine keeps its libraries. The NSS libraries are included, because
  # older releases of the C library load them at run time. Each is copied under the name that programs load it by.
  loader=$(ldd "$BASH" | awk '$1 ~ /\/ld-linux/ { print $1 }')
  libraries=$(dirname "$(ldd "$BASH" | awk '$1 ~ /^libc\.so/ { print $3 }')")
  for library in "$loader" "$libraries"/lib{c,m,dl,rt,pthread,resolv,nss_files,nss_dns,gcc_s}.so.*; do
    if [ -e "$library" ]; then install -D "$(readlink -f "$library")" "$root$library"; fi
  done
  echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
}

set_up_image() {
  if docker image inspect "$IMAGE" >/dev/null 2>&1; then
    say "the base image is there"
  elif say "pulling $IMAGE" && timeout "$PULL_WAIT_SECONDS" docker pull --quiet "$IMAGE"; then
    docker image rm --force "$DERIVED_IMAGE" >/dev/null 2>&1 || true
  else
    say "$IMAGE cannot be pulled, so a stand-in is made from this machine's own files"
    rm -rf "$STAND_IN_ROOT"
    write_stand_in "$STAND_IN_ROOT"
    tar -C "$STAND_IN_ROOT" --numeric-owner --owner=0 --group=0 -c . |
      docker import --change "LABEL $STAND_IN_LABEL=true" --change "WORKDIR /var/task" - "$IMAGE" >/dev/null
    rm -rf "$STAND_IN_ROOT"
    # SAM reuses a derived image by its name, whatever it was derived from.
    docker image rm --force "$DERIVED_IMAGE" >/dev/null 2>&1 || true
  fi
  if [ "$(docker image inspect --format "{{index .Config.Labels \"$STAND_IN_LABEL\"}}" "$IMAGE")" = true ]; then
    BASE_IMAGE=stand-in
    say "the base image is the stand-in; after 'docker image rm $IMAGE' the next run tries to pull the official one"
  else
    BASE_IMAGE=official
  fi
}

# A daemon that answers may still be unable to run containers, and only a container knows its host's address.
try_container() {
  local hosts
  # shellcheck disable=SC2016 # The shell in the container runs the loop, because the image may have no cat.
  hosts=$(timeout 60 docker run --rm --add-host host.docker.internal:host-gateway --entrypoint /bin/sh "$IMAGE" \
    -c 'while read -r line; do echo "$line"; done </etc/hosts' 2>&1) ||
    unavailable "a container does not run: $(printf '%s' "$hosts" | tr '\n' ' ')"
  HOST_GATEWAY=$(printf '%s\n' "$hosts" | awk '$2 == "host.docker.internal" && $1 ~ /^[0-9.]+$/ { print $1; exit }')
  [ -n "$HOST_GATEWAY" ] || unavailable "a container does not get its host's address"
  say "a container runs, and reaches this host at $HOST_GATEWAY"
}

mkdir -p .local
set_up_tools
set_up_docker
set_up_image
try_container
printf 'SAM_ARCHITECTURE=%s\nSAM_HOST_GATEWAY=%s\nSAM_BASE_IMAGE=%s\n' \
  "$ARCHITECTURE" "$HOST_GATEWAY" "$BASE_IMAGE" >.local/sam.env
say "done"
