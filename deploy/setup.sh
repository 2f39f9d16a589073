#!/usr/bin/env bash
# Prepares a checkout. The Makefile calls it; it may be run by hand.
#   deploy/setup.sh venv             make .venv with a Python of 3.12 or later
#   deploy/setup.sh install LOCK…    install what the lock files name (hashes checked), then Breakwater itself
#   deploy/setup.sh debian           install the Debian packages the tests need, or say which are missing
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
wanted=3.13 # what .python-version names; 3.12 works too

say() { printf '%s\n' "$*" >&2; }

# True when $1 runs, is 3.12 or later, and can make a virtual environment (Debian ships Python without ensurepip).
usable() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

# Prints every Python that may be there, best first.
candidates() {
    local version path
    for version in "$wanted" 3.12; do
        type -P "python$version" || true
        for path in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
            if [ -x "$path" ]; then printf '%s\n' "$path"; fi
        done
    done
    type -P python3 || true
}

find_python() {
    local path
    while IFS= read -r path; do
        if usable "$path"; then printf '%s\n' "$path" && return; fi
    done < <(candidates)
    if type -P uv >/dev/null; then
        uv python find "$wanted" 2>/dev/null || { uv python install "$wanted" >&2 && uv python find "$wanted"; }
        return
    fi
    say "No Python 3.12 or later with its venv module was found, and uv is not installed."
    say "Install one of: python$wanted with python$wanted-venv, pyenv's $wanted, or uv. Then run the command again."
    return 1
}

make_venv() {
    if usable "$venv/bin/python" && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then return; fi
    local python
    python=$(find_python)
    say "Making $venv with $python ($("$python" --version))"
    "$python" -m venv --clear "$venv"
}

install_locks() {
    local lock
    for lock in "$@"; do
        say "Installing $lock"
        "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes -r "$lock"
    done
    "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-deps --no-build-isolation -e .
}

missing_packages() {
    local name
    while IFS= read -r name; do
        if ! dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed; then printf '%s\n' "$name"; fi
    done <deploy/debian-packages.txt
}

# Some are daemons, which tests start on loopback for themselves: installing them starts none (invoke-rc.d(8)).
start_nothing() {
    local policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then return; fi
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

install_debian() {
    local missing
    mapfile -t missing < <(missing_packages)
    if [ "${#missing[@]}" -eq 0 ]; then return; fi
    if [ "$(id -u)" -ne 0 ] || ! type -P apt-get >/dev/null; then
        say "The tests need these Debian packages, which are missing: ${missing[*]}"
        say "Install them (as root: apt-get install ${missing[*]}), then run the command again."
        return 1
    fi
    say "Installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet >&2
    start_nothing
    apt-get install --yes --quiet --no-install-recommends "${missing[@]}" >&2
}

case "${1:-}" in
venv) make_venv ;;
install) shift && install_locks "$@" ;;
debian) install_debian ;;
*)
    say "usage: deploy/setup.sh venv | install LOCK… | debian"
    exit 2
    ;;
esac
