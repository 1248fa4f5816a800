#!/bin/sh
# Takes the place of the crash image's /init in tests: saves the plain /proc/vmcore to the second disk, then
# becomes the real capture (/real-init) with everything as it found it. The last 4 KiB of the disk tell the size.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
echo "save_vmcore: saving /proc/vmcore" > /dev/kmsg
while read -r module; do
    insmod "/test-modules/$module"
done < /test-modules/order

size=$(stat -c %s /proc/vmcore)
blocks=$(($(cat /sys/class/block/vdb/size) / 8))
if dd if=/proc/vmcore of=/dev/vdb bs=256k conv=fsync 2> /dev/null; then
    echo "vmcore $size" | dd of=/dev/vdb bs=4k seek=$((blocks - 1)) conv=sync,fsync 2> /dev/null
    echo "save_vmcore: saved $size bytes" > /dev/kmsg
else
    echo "save_vmcore: failed" > /dev/kmsg
fi

echo 3 > /proc/sys/vm/drop_caches
umount -l /dev
umount -l /sys
umount -l /proc
exec /real-init
