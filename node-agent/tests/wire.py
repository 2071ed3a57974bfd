"""A wire: what a hypervisor does between a tap and its guest's card.

Opens the tap named first and makes one named second, copies frames both ways until killed. The
second can then be moved into another network namespace, where it is a guest's card.
"""
import fcntl
import os
import select
import struct
import sys


def tap(name):
    file = os.open("/dev/net/tun", os.O_RDWR)
    # TUNSETIFF with IFF_TAP | IFF_NO_PI
    fcntl.ioctl(file, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x0002 | 0x1000))
    return file


one, other = tap(sys.argv[1]), tap(sys.argv[2])
print("ready", flush=True)
while True:
    for ready in select.select([one, other], [], [])[0]:
        try:
            os.write(other if ready == one else one, os.read(ready, 65536))
        except OSError:
            pass  # one end is down: a frame is lost, as on any wire
