#!/usr/bin/env bash
# proper-lockfile 4.1.2 with signal-exit 3.0.7 (npm), Node.js on Linux.
#
# Expected: when the last lock has been released, the package has no part in how the process ends any more.
# What happens: loading it installs listeners for SIGTERM, SIGINT, SIGHUP and a dozen other signals, through signal-exit, and releasing every lock
# leaves them there. A signal with a listener no longer ends the process by itself: the listener has to run first, so a process that is
# busy in synchronous code when SIGTERM comes goes on until it is done, where before it would have ended at once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit proper-lockfile@4.1.2 signal-exit@3.0.7 >/dev/null
cat >busy.cjs <<'JS'
// Busy for a second and a half in synchronous code; says so when it has come to the end of it.
const { writeFileSync } = require('node:fs');
async function main() {
  if (process.argv[2] === 'locked') {
    const lockfile = require('proper-lockfile');
    const release = await lockfile.lock('target');
    await release();
  }
  console.log(`listeners for SIGTERM: ${process.listenerCount('SIGTERM')}`);
  setTimeout(() => {
    writeFileSync(`began-${process.argv[2]}`, '');
    const end = Date.now() + 1500;
    while (Date.now() < end);
    writeFileSync(`finished-${process.argv[2]}`, '');
  }, 0);
}
main();
JS
touch target
for kind in plain locked; do
  node busy.cjs "$kind" >"out-$kind" &
  pid=$!
  for _ in $(seq 200); do [ -e "began-$kind" ] && break; sleep 0.02; done
  kill -TERM "$pid"
  wait "$pid" 2>/dev/null || true
  if [ -e "finished-$kind" ]; then ended='only after it had finished its work'; else ended='at once'; fi
  echo "$kind: $(cat "out-$kind"); SIGTERM ended it $ended"
done
[ ! -e finished-plain ] && [ -e finished-locked ] && ! grep -q ': 0' out-locked
echo 'as stated: the listeners stay after the last lock is released'
