#!/usr/bin/env bash
# npm 11 (as installed), typescript 5.9.3 and 5.4.5
#
# A project has a package, and an older version of it under an alias (`npm:typescript@5.4.5`) to test against. Both bring the command `tsc`.
# One would expect `tsc` to be that of the package itself, or at least the same one after `npm install` and after `npm ci` of the lock
# file which that install has written.
#
# What happens: the install of the alias puts its own command in the place of the package's, so scripts run the old compiler from
# then on; `npm ci` of the same lock file gives the package's again. Scripts that must not care name the file:
# `node node_modules/typescript/bin/tsc`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{}' > package.json
npm install --silent --no-fund --no-audit typescript@5.9.3
npm install --silent --no-fund --no-audit typescript-old@npm:typescript@5.4.5
installed=$(node_modules/.bin/tsc --version)
rm -rf node_modules
npm ci --silent --no-fund --no-audit
clean=$(node_modules/.bin/tsc --version)
echo "npm $(npm --version): after npm install tsc is $installed; after npm ci of the same lock file it is $clean"
[ "$installed" = 'Version 5.4.5' ] && [ "$clean" = 'Version 5.9.3' ]
