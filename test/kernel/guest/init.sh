#!/bin/sh
# The guest's first process: runs the programs of /tests one after the other, each within its time.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t debugfs debugfs /sys/kernel/debug
mount -t devtmpfs devtmpfs /dev
echo "guest $(uname -r) $(node --version)"
while read -r seconds file; do
  echo "begin $file"
  timeout -s KILL "$seconds" \
    node --enable-source-maps "/project/dist/test/kernel/guest/$file.js" </dev/null
  echo "end $file $?"
done </tests
poweroff -f
