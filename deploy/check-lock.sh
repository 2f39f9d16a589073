#!/usr/bin/env bash
# Refuses a lock file that names a package index, a link or a folder, or holds a requirement without its hash.
# Where packages come from is the business of the machine that installs them.
set -euo pipefail
bad=0
for lock in "$@"; do
    if grep -nE '^[^#]*(--(extra-)?index-url|--find-links|-[if] |https?://|file:| @ )' "$lock"; then
        printf '%s: names where packages come from (lines above)\n' "$lock" >&2 && bad=1
    fi
    if grep -nE '^[A-Za-z0-9]' "$lock" | grep -vE '==[^ ]+( ; .*)? \\$'; then
        printf '%s: a requirement without version or hash (lines above)\n' "$lock" >&2 && bad=1
    fi
done
exit "$bad"
