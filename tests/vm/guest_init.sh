#!/bin/sh
# /init of the guest: what a small Debian does at boot, then a shell that the test drives over the second serial
# port. A line sent there is run as a command; its output comes back, then a line "\001<exit code>".
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/hugepages
mount -t tmpfs tmpfs /dev/shm
mount -t hugetlbfs hugetlbfs /dev/hugepages
echo guest > /proc/sys/kernel/hostname
echo 1 > /proc/sys/kernel/sysrq

# What udev does: load the driver of every device that shows up, until no new ones do.
# The full path matters: this shell prefers busybox's own modprobe, which knows no softdeps and no xz.
load_drivers() {
    cat /sys/bus/*/devices/*/modalias 2> /dev/null | sort -u | xargs /usr/sbin/modprobe -qab
}
load_drivers
/usr/sbin/modprobe ext4
[ ! -e /sys/bus/nd ] || for bus in /sys/bus/nd/devices/ndbus*; do
    [ ! -e "$bus/wait_probe" ] || cat "$bus/wait_probe" > /dev/null
done
load_drivers

if [ -b /dev/vda ]; then
    mount -t ext4 /dev/vda /disk
    [ ! -d /disk/boot ] || mount -o bind /disk/boot /boot
    [ ! -d /disk/crash ] || mount -o bind /disk/crash /var/crash
    mkdir -p /disk/state /var/lib/warmdump
    mount -o bind /disk/state /var/lib/warmdump
fi

if [ -e /sys/class/net/eth0 ]; then
    ip link set eth0 up
    ip address add 10.0.2.15/24 dev eth0
fi

serve() {
    stty -F /dev/ttyS1 raw -echo
    exec < /dev/ttyS1 > /dev/ttyS1 2>&1
    printf '\001ready\n'
    while read -r line; do
        sh -c "$line" < /dev/null 2>&1
        printf '\001%s\n' "$?"
    done
}

# What commands leave running becomes a child of process 1 and ends when it likes: busybox's read, which is interrupted by
# that, would begin anew and lose the part of the line it has read. So another process reads.
serve &
while :; do
    wait
    sleep 1
done
