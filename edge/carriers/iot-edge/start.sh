#!/bin/sh
# Install the release of this image, and answer. One that is refused, or that this device has left before, is not needed:
# the release in the volume goes on. IoT Edge sets IOTEDGE_DEVICEID.
set -u
root="${TIDEMILL_ROOT:-/var/lib/tidemill}"
files="${TIDEMILL_FILES:-/srv}"

if [ -e "$root/device.toml" ]; then
  python -m edge install "$files/release" --root "$root"
else
  python -m edge install "$files/release" --root "$root" --trust "$files/trust.json" --device "$IOTEDGE_DEVICEID" \
    --set "group=${TIDEMILL_GROUP:-default}" --set "port=${TIDEMILL_PORT:-8080}"
fi
exec python -m edge run --root "$root"
